import { readFile } from 'node:fs/promises';
import { INTERPRETER_VERSION } from '../../toe/interpreter-version.ts';
import type { RunnableDocument } from '../../toe/run-documents.types.ts';
import type { PlannedWorkflow } from '../build-plan.ts';
import type { BuildGround } from './build-ground.ts';
import type { CacheHint } from './cache-hint.ts';
import type { ComponentInputs } from './component-inputs.ts';
import { contentKey } from './content-key.ts';
import { documentContent, workflowContent } from './document-content.ts';

/** The phases of component documents that a stage runs. */
export const BUILD_PHASES = ['build', 'validate'] as const;
export const TEST_PHASES = ['test'] as const;

/** A component that has something to do, with what decides what that is. */
export interface ComponentContent {
  readonly document: RunnableDocument;
  readonly name: string;
  readonly inputs: ComponentInputs;
  /** As its author says. */
  readonly hint: CacheHint | undefined;
}

export interface KeyedComponent extends ComponentContent {
  /** Of the disk after it and all before it; undefined when that is another one each time. */
  readonly key: string | undefined;
  /** Of a machine that runs on that disk; undefined where none does. */
  readonly machineKey: string | undefined;
}

/** The key of each state of the disk on the way, in the order of the recipe: each holds the one before it. */
export function componentKeys(
  ground: BuildGround,
  components: readonly ComponentContent[],
  phases: readonly string[],
): readonly KeyedComponent[] {
  let before: string | undefined = contentKey({ ...groundOfDisk(ground), interpreter: INTERPRETER_VERSION });
  return components.map((component) => {
    const { document, inputs, hint } = component;
    const isFixed = inputs.varying === undefined && hint?.kind !== 'never';
    before =
      before !== undefined && isFixed
        ? contentKey({
            before,
            document: documentContent(document.document, phases),
            parameters: document.parameters,
            inputs: inputs.values,
          })
        : undefined;
    return { ...component, key: before, machineKey: machineKey(ground, before) };
  });
}

/** A disk shows where components ran: on the host's processor, or on a machine. With *auto* a machine has keys of its own. */
function groundOfDisk({ hostCpu, machine, ...ground }: BuildGround) {
  return { ...ground, ...(ground.executor === 'vm' ? { machine } : { hostCpu }) };
}

/** With *auto* a disk may have a checkpoint that is mounted, and another that is a machine: each under its key. */
function machineKey({ executor, machine }: BuildGround, key: string | undefined): string | undefined {
  if (executor === 'direct' || key === undefined) return undefined;
  return executor === 'vm' ? key : contentKey({ running: { key, machine } });
}

/** The key of a machine that has booted its parent's disk, and on which nothing was done: the same for all recipes. */
export function bootKey({ parentDigest, machine, userData, rootVolumeSizeGiB, extraVolumes }: BuildGround): string {
  return contentKey({ booted: { parentDigest, machine, userData, rootVolumeSizeGiB, extraVolumes } });
}

/** The key of the finished disk: what the components made, and what the rest of the workflow does with it. */
export async function imageKey(
  ground: BuildGround,
  components: readonly KeyedComponent[],
  workflow: PlannedWorkflow,
): Promise<string | undefined> {
  const last = components.at(-1);
  if (last !== undefined && last.key === undefined) return undefined;
  const cleanUp = await readFile(new URL('../steps/sanitize-instance.sh', import.meta.url), 'utf8');
  const { document, parameters } = workflow;
  // With *auto* the disk may have been booted on the way: that shows only when it is built.
  const from = { ...groundOfDisk(ground), ...(ground.executor === 'auto' ? { machine: ground.machine } : {}) };
  return contentKey({ ground: from, before: last?.key, workflow: workflowContent(document), parameters, cleanUp });
}

/** The key of what an image is tested with; undefined when it is not, or differently each time. */
export function testKey(
  components: readonly ComponentContent[],
  workflows: readonly PlannedWorkflow[],
): string | undefined {
  if (workflows.length === 0) return undefined;
  if (components.some(({ inputs, hint }) => inputs.varying !== undefined || hint?.kind === 'never')) return undefined;
  return contentKey({
    interpreter: INTERPRETER_VERSION,
    workflows: workflows.map(({ document, parameters }) => ({ content: workflowContent(document), parameters })),
    components: components.map(({ document, inputs }) => ({
      document: documentContent(document.document, TEST_PHASES),
      parameters: document.parameters,
      inputs: inputs.values,
    })),
  });
}
