import type { Instance } from '../build-host/build-host.ts';
import { BuildFailure } from '../util/faults.ts';
import { amisOfStep } from './amis-of-step.ts';
import type { BuildPlan } from './build-plan.ts';
import type { BuildProgress, LaunchedInstance } from './build-run.ts';
import type { Engine } from './engine.ts';
import { type ExecutionRecord, executionRecords, type StepRow } from './execution-records.ts';

/**
 * What a build has made before somebody else goes on with it: its instances that still run, its AMI and what is known of
 * it. An instance that is gone is missing here; the step that needs it says so.
 */
export async function restoreProgress(
  { buildHost }: Pick<Engine, 'buildHost'>,
  plan: { readonly parent: Pick<BuildPlan['parent'], 'amiId'> },
  records: readonly ExecutionRecord[],
): Promise<BuildProgress> {
  const done = records
    .filter(({ retried }) => !retried)
    .flatMap(({ type, steps }) => steps.filter(({ status }) => status === 'COMPLETED').map((step) => ({ type, step })));
  const outputs = (action: string, name: string): readonly string[] =>
    done.filter(({ step }) => step.action === action).flatMap(({ step }) => textOf(step.outputs, name));
  const outputAmiId = done.flatMap(({ step }) => amisOfStep(step)).at(-1);
  const ended = new Set(
    done
      .filter(({ step }) => step.action === 'TerminateInstance')
      .flatMap(({ step }) => textOf(step.inputs, 'instanceId')),
  );
  const here = new Set((await buildHost.list()).map(({ instanceId }) => instanceId));
  const instances = new Map<string, LaunchedInstance>();
  const kept = new Set<string>();
  for (const { type, step } of done) {
    const [instanceId] = step.action === 'LaunchInstance' ? textOf(step.outputs, 'instanceId') : [];
    if (instanceId === undefined || ended.has(instanceId)) continue;
    const instance = (await buildHost.find(instanceId)) ?? (here.has(instanceId) ? stopped(instanceId) : undefined);
    if (instance === undefined) continue;
    // Its workflow had failed, and the instance is to stay: the end of the build was not recorded any more.
    if (step.rollback_status === 'SKIPPED') kept.add(instanceId);
    instances.set(instanceId, {
      instance,
      amiId: bootedAmi(step, type === 'BUILD' ? plan.parent.amiId : (outputAmiId ?? plan.parent.amiId)),
    });
  }
  return {
    instances,
    kept,
    outputAmiId,
    osVersion: outputs('CollectImageMetadata', 'osVersion').at(-1),
  };
}

/** All that is here of a build that ends before it could go on: whatever runs is to be ended, and its AMI looked after. */
export async function abandonedProgress(
  engine: Pick<Engine, 'db' | 'buildHost'>,
  imageArn: string,
): Promise<BuildProgress> {
  const records = await executionRecords(engine.db, imageArn);
  const restored = await restoreProgress(engine, { parent: { amiId: '' } }, records);
  const instances = new Map<string, LaunchedInstance>();
  for (const { instanceId, owner } of await engine.buildHost.list()) {
    if (owner !== imageArn) continue;
    instances.set(instanceId, restored.instances.get(instanceId) ?? { instance: stopped(instanceId), amiId: '' });
  }
  return { ...restored, instances };
}

/** One that was captured. It is still to be ended. */
function stopped(instanceId: string): Instance {
  const refuse = (): Promise<never> =>
    Promise.reject(new BuildFailure(`Instance ${instanceId} does not run any more`, { kind: 'guest lost' }));
  return {
    ...{ instanceId, enterCommand: '', stopForCapture: refuse },
    target: { os: 'linux', name: instanceId, run: refuse, reboot: refuse },
  };
}

function bootedAmi(launch: StepRow, byDefault: string): string {
  return textOf(launch.inputs, 'imageIdOverride')[0] ?? byDefault;
}

function textOf(values: Readonly<Record<string, unknown>> | null, name: string): readonly string[] {
  const value = values?.[name];
  return typeof value === 'string' ? [value] : [];
}
