import { parseArn } from '../../contract/arn.ts';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { addImageTags } from '../../state/transitions/add-image-tags.ts';
import type {
  DocumentMonitor,
  DocumentRunResult,
  RunnableDocument,
  StepFailure,
  StepPlace,
} from '../../toe/run-documents.types.ts';
import { knownMetadata } from '../../toe/services/known-metadata.ts';
import type { FinishedStep } from '../../toe/suspended-run.ts';
import type { Monitor } from '../../util/monitor.ts';
import { componentSource } from '../component-source.ts';
import { componentEnvironment, instanceMetadata } from '../component-surroundings.ts';
import { commandLine } from '../failure-cause/cause-line.ts';
import { commandOfStep } from '../failure-cause/command-of-step.ts';
import { linesThatMatter } from '../failure-cause/lines-that-matter.ts';
import { componentJournal, componentsWith, finishedSteps, interruptedStep } from './component-journal.ts';
import { withDurations } from './document-durations.ts';
import { executorTags } from './executor-record.ts';
import { runComponents, type StateBefore } from './run-components.ts';
import {
  ComponentFailure,
  instanceOf,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
} from './step-action.ts';

export const executeComponents: StepAction = {
  definition: WORKFLOW_ACTIONS.ExecuteComponents,
  run: (inputs, context) => run(inputs, context),
  nothingToDo,
  resume,
  whyNotResumable: (step, { engine, plan, workflowType }) =>
    interruptedStep({ engine }, step.id, componentsWith(PHASES[workflowType === 'TEST' ? 'TEST' : 'BUILD'], plan)),
};

/** The phases of component documents that a workflow type runs. */
const PHASES = { BUILD: ['build', 'validate'], TEST: ['test'] } as const;

/** Document steps that have ended do not run again. */
async function resume(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { target } = instanceOf(inputs, context).instance;
  await target.endOrphans?.(context.signal);
  return run(inputs, context, await finishedSteps(context));
}

async function run(inputs: StepInputs, context: StepContext, finished?: readonly FinishedStep[]): Promise<StepResult> {
  const { engine, claim, plan, signal, monitor } = context;
  const phases = phasesOf(context);
  const documents = componentsWith(phases, plan);
  const { instance, amiId, history, whyMachine } = instanceOf(inputs, context);
  const durations = withDurations(documentMonitor(monitor, documents));
  const { result, executors, stateBefore } = await runComponents({
    documents: {
      executionId: context.stepExecutionId,
      documents,
      phases,
      environment: environmentOf(context),
      workingDirectory: plan.workingDirectory,
      accountId: parseArn(plan.imageArn)?.owner ?? engine.accountId,
      region: engine.region,
      services: {
        ...engine.services,
        components: componentSource(engine, plan.imageArn),
        metadata: knownMetadata(
          instanceMetadata(instance.instanceId, amiId, { region: engine.region, instanceTypes: plan.instanceTypes }),
        ),
      },
      clock: engine.clock,
      signal,
      monitor: durations,
      // What runs on a mounted disk goes with the worker.
      ...(instance.unbooted === undefined ? { journal: componentJournal(context) } : {}),
      ...(finished === undefined ? {} : { resume: { finished } }),
    },
    phases,
    instance,
    monitor,
    history: context.workflowType === 'BUILD' ? history : undefined,
    whyMachine,
    nameOf: ({ id }) => `Component '${nameOf(id, documents)}'`,
  });
  const outputs = {
    runCommandId: context.stepExecutionId,
    status: result.status === 'success' ? 'Success' : 'Failed',
    output: JSON.stringify(summaryOf(result)),
    executors: JSON.stringify(executors),
    ...(stateBefore === undefined || result.status === 'success' ? {} : stateOutputs(stateBefore)),
  };
  if (context.workflowType === 'BUILD') await addImageTags(engine.db, claim, executorTags(executors));
  const documentSeconds = durations.seconds;
  if (result.status === 'success') return { outputs, documentSeconds };
  const { firstFailure, failureMessage } = result;
  throw new ComponentFailure(describeFailure(firstFailure, failureMessage, documents), {
    outputs,
    place: firstFailure,
    awsMessage: failureMessage,
    documentSeconds,
  });
}

/** For `kiln shell`, which runs again what the checkpoint lacks. */
function stateOutputs({ key, lacks }: StateBefore): Readonly<Record<string, string>> {
  const again = lacks.map(({ id, parameters }) => ({ component: id, parameters }));
  return { stateBefore: key, ...(again.length === 0 ? {} : { stateLacks: JSON.stringify(again) }) };
}

function nothingToDo(context: Pick<StepContext, 'plan' | 'workflowType'>): string | undefined {
  const phases = phasesOf(context);
  if (componentsWith(phases, context.plan).length > 0) return undefined;
  return `no component has a phase ${phases.join(' or ')}`;
}

function phasesOf({ workflowType }: Pick<StepContext, 'workflowType'>): readonly string[] {
  return workflowType === 'TEST' ? PHASES.TEST : PHASES.BUILD;
}

function environmentOf({ plan, workflowType, workflowExecutionId, stepExecutionId }: StepContext) {
  const phase = workflowType === 'TEST' ? 'TESTING' : 'BUILDING';
  return componentEnvironment(plan, { phase, workflowExecutionId, stepExecutionId });
}

/** `component 'nginx', phase build, step Install (ExecuteBash): exit status 100`, the command, and the lines that matter. */
function describeFailure(
  failure: StepFailure | undefined,
  failureMessage: string,
  documents: readonly RunnableDocument[],
): string {
  if (failure === undefined) return failureMessage;
  const { documentId, phase, step, action, errorMessage, lastLines } = failure;
  const head = `component '${nameOf(documentId, documents)}', phase ${phase}, step ${step} (${action}): ${errorMessage}`;
  const document = documents.find(({ id }) => id === documentId)?.document;
  const command = document === undefined ? undefined : commandOfStep(document, phase, step);
  const matter = linesThatMatter(lastLines).filter((line) => line !== errorMessage);
  return [head, ...(command === undefined ? [] : [commandLine(command)]), ...matter].join('\n');
}

/** Beginnings and ends of document steps become lines, so that whoever reads the log sees where the build is. */
function documentMonitor(monitor: Monitor, documents: readonly RunnableDocument[]): DocumentMonitor {
  const place = (step: StepPlace): string => `[${nameOf(step.documentId, documents)}] ${step.phase}/${step.step}`;
  return {
    line: (source, text) => monitor.line(source, text),
    stepStarted: (step) => monitor.line('kiln', `${place(step)}: ${step.action}`),
    stepEnded: (step, status, seconds) =>
      monitor.line('kiln', `${place(step)}: ${status} after ${seconds.toFixed(1)} s`),
  };
}

function nameOf(documentId: string, documents: readonly RunnableDocument[]): string {
  const name = documents.find(({ id }) => id === documentId)?.document.name;
  // A document may go without a name; its component has one.
  return name === undefined || name === '' ? (parseArn(documentId)?.slug ?? documentId) : name;
}

/** AWSTOE's summary, with the documents by their component ARNs. */
function summaryOf(result: DocumentRunResult): Readonly<Record<string, unknown>> {
  return {
    executionId: result.executionId,
    status: result.status,
    executedStepCount: result.executedStepCount,
    failedStepCount: result.failedStepCount,
    ignoredFailedStepCount: result.ignoredFailedStepCount,
    failureMessage: result.failureMessage,
  };
}
