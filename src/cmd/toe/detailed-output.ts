import { findActionModule } from '../../documents/action-modules/index.ts';
import type { ModuleInput } from '../../documents/action-modules/module.ts';
import type { Step, StepLoop } from '../../documents/component.ts';
import type { DocumentRunResult, RunnableDocument, StepResult } from '../../toe/run-documents.types.ts';

/** `detailedoutput.json`: the same keys in the same order as AWSTOE writes them. */
export function detailedOutput(result: DocumentRunResult, runnable: readonly RunnableDocument[]): object {
  const { executionId, status, failureMessage, documents } = result;
  return {
    executionId,
    status,
    startTime: documents[0]?.startTime ?? '',
    endTime: documents.at(-1)?.endTime ?? '',
    failureMessage,
    documents: documents.map((document, index) => ({
      name: document.name,
      filePath: document.id,
      status: document.status,
      description: runnable[index]?.document.description ?? '',
      startTime: document.startTime,
      endTime: document.endTime,
      failureMessage: document.status === 'failed' ? `Document ${document.id} failed!` : '',
      phases: document.phases.map((phase) => ({
        name: phase.name,
        status: phase.status,
        startTime: phase.startTime,
        endTime: phase.endTime,
        failureMessage: phase.status === 'failed' ? `Phase ${phase.name} failed!` : '',
        steps: phase.steps.map((step) => detailedStep(step, findStep(runnable[index], phase.name, step.name))),
      })),
    })),
  };
}

function findStep(document: RunnableDocument | undefined, phase: string, step: string): Step | undefined {
  const steps = document?.document.phases.find(({ name }) => name === phase)?.steps;
  return steps?.find(({ name }) => name === step);
}

function detailedStep(step: StepResult, source: Step | undefined): object {
  return {
    name: step.name,
    status: step.status,
    failureMessage: step.failureMessage,
    timeoutSeconds: step.timeoutSeconds,
    onFailure: step.onFailure,
    maxAttempts: step.maxAttempts,
    action: step.action,
    startTime: step.startTime,
    endTime: step.endTime,
    inputs: JSON.stringify(step.inputs.map((entry) => withZeroValues(step.action, entry))),
    outputs: JSON.stringify(step.outputs),
    loop: source?.loop === undefined ? null : loopAsWritten(source.loop),
    // Paths and ARNs of nested documents are as the step names them.
    detailedOutput:
      step.nested.length === 0 ? null : step.nested.map((run) => detailedOutput(run.result, [run.document])),
  };
}

/** AWSTOE writes an input that was not given as the zero value of its type. */
function withZeroValues(action: string, entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const module = findActionModule(action);
  if (module === undefined || module.shape === 'condition') return entry;
  const names = Object.entries(module.inputs);
  return Object.fromEntries([
    ...names.map(([name, input]) => [name, entry[name] ?? input.default ?? zeroOf(input)]),
    ...Object.entries(entry).filter(([name]) => !Object.hasOwn(module.inputs, name)),
  ]);
}

function zeroOf({ type }: ModuleInput): unknown {
  if (type === 'boolean') return false;
  if (type === 'integer') return 0;
  return type === 'texts' || type === 'properties' || type === 'registry' || type === 'parameters' ? null : '';
}

function loopAsWritten(loop: StepLoop): object {
  const { name } = loop;
  switch (loop.kind) {
    case 'for':
      return { name, for: { start: loop.start, end: loop.end, updateBy: loop.updateBy } };
    case 'items':
      return { name, forEach: loop.items };
    case 'list':
      return { name, forEach: { list: loop.list, delimiter: loop.delimiter } };
    default:
      return loop satisfies never;
  }
}

/** `chaining.json`: what `{{ phase.step.outputs.x }}` stood for; of several documents one map each, by their id. */
export function chainingOf({ documents }: DocumentRunResult): object {
  const maps = documents.map((document): [string, object] => [document.id, outputsOf(document)]);
  return maps.length === 1 ? (maps[0]?.[1] ?? {}) : Object.fromEntries(maps);
}

function outputsOf({ phases }: DocumentRunResult['documents'][number]): object {
  return Object.fromEntries(
    phases.flatMap((phase) =>
      phase.steps.flatMap((step) =>
        Object.entries(step.outputs[0] ?? {}).map(([name, value]) => [
          `${phase.name}.${step.name}.outputs.${name}`,
          value,
        ]),
      ),
    ),
  );
}
