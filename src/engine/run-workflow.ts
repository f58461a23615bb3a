import type { WorkflowStep } from '../documents/workflow.ts';
import { evaluateCondition } from '../documents/workflow-conditions.ts';
import { type ReferenceScope, resolveInputs } from '../documents/workflow-references.ts';
import { isDatabaseLost } from '../state/database-lost.ts';
import { cancelWorkflow } from '../state/transitions/cancel-workflow.ts';
import { ClaimLostError } from '../state/transitions/claim.ts';
import { completeStep } from '../state/transitions/complete-step.ts';
import { failStep } from '../state/transitions/fail-step.ts';
import { finishWorkflow } from '../state/transitions/finish-workflow.ts';
import { skipStep } from '../state/transitions/skip-step.ts';
import { startStep } from '../state/transitions/start-step.ts';
import { BuildFailure, coerceError } from '../util/faults.ts';
import type { PlannedWorkflow } from './build-plan.ts';
import type { BuildRun } from './build-run.ts';
import type { ExecutionRecord, Place, StepRow } from './execution-records.ts';
import { BuildCancelled, BuildParked, WorkflowFailed } from './failure.ts';
import { type FailureOnRecord, failureOnRecord, RecordedFailure } from './failure-cause/failure-on-record.ts';
import { failureText, isForeseen } from './foreseen.ts';
import { oneLine } from './plain-text.ts';
import { rollBack } from './roll-back.ts';
import { runStep, type StepExecution } from './run-step.ts';
import { ComponentFailure, FailedWithOutputs, type StepInputs } from './steps/step-action.ts';
import { STEP_ACTIONS } from './steps/step-actions.ts';
import { begunExecution, newExecution, recordStart } from './workflow-execution.ts';
import { outputsOf, type WorkflowOutputs } from './workflow-outputs.ts';
import { initialScope } from './workflow-scope.ts';

/**
 * Walks a workflow step by step, from where it stands; each step is a row before it runs and an ended row before the next
 * one starts. Gives the outputs of the workflow.
 *
 * Rejects with WorkflowFailed when a step failed that must not, after what the steps made was taken back; with the
 * signal's reason when the build is to end; with BuildParked, and everything left as it is, when a step waits for
 * somebody; with ClaimLostError when somebody else has the image now.
 */
export async function runWorkflow(
  run: BuildRun,
  workflow: PlannedWorkflow,
  { position, record }: Place,
  outputsBefore: WorkflowOutputs,
  signal: AbortSignal,
): Promise<WorkflowOutputs> {
  const { engine, claim, plan } = run;
  const { document } = workflow;
  let scope = initialScope(plan, workflow, outputsBefore);
  const { id, executions } = record === undefined ? newExecution(workflow) : begunExecution(workflow, record);
  if (record === undefined) await recordStart(run, workflow, { id, executions, position });

  for (const [index, execution] of executions.entries()) {
    const { step } = execution;
    const row = record?.steps[index];
    try {
      const outputs = await walkStep(run, execution, row, scope, signal);
      if (outputs !== undefined) scope = withOutputs(scope, step, outputs);
    } catch (thrown) {
      const error = coerceError(thrown);
      // A step does not fail because the database is away: the build is let go as it is (run-build.ts).
      if (error instanceof ClaimLostError || error instanceof BuildParked || isDatabaseLost(error)) throw error;
      if (error instanceof BuildCancelled) {
        await endWorkflow(run, id, error.message);
        throw error;
      }
      if (row?.status !== 'FAILED' && row?.status !== 'CANCELLED') await recordFailure(run, execution, error);
      if (step.onFailure === 'Continue') continue;
      const failed = new WorkflowFailed(error, {
        workflowExecutionId: id,
        workflowArn: workflow.arn,
        stepExecutionId: execution.id,
        step: { name: step.name, action: step.action },
      });
      if (hasEnded(record)) throw failed;
      const status = await rollBack(run, executions.slice(0, index + 1), scope);
      const message = oneLine(failed.message);
      await finishWorkflow(engine.db, claim, { workflowExecutionId: id, status, message, at: engine.clock.now() });
      throw failed;
    }
  }
  if (!hasEnded(record)) {
    await finishWorkflow(engine.db, claim, { workflowExecutionId: id, status: 'COMPLETED', at: engine.clock.now() });
  }
  return outputsOf(document, scope);
}

function hasEnded(record: ExecutionRecord | undefined): boolean {
  return record !== undefined && record.status !== 'RUNNING' && record.status !== 'ROLLBACK_IN_PROGRESS';
}

/** Records that a workflow ends because the build, or this part of it, is to end. Its steps do not run any more. */
export function endWorkflow(
  { engine: { db, clock }, claim }: BuildRun,
  workflowExecutionId: string,
  message: string,
): Promise<void> {
  return cancelWorkflow(db, claim, { workflowExecutionId, message, at: clock.now() });
}

/** One step from where it stands to its end. Gives its outputs; undefined when it has none, because it was skipped or failed. */
async function walkStep(
  run: BuildRun,
  execution: StepExecution,
  row: StepRow | undefined,
  scope: ReferenceScope,
  signal: AbortSignal,
): Promise<StepInputs | undefined> {
  switch (row?.status) {
    case 'COMPLETED':
      return (row.outputs ?? {}) as StepInputs;
    case 'SKIPPED':
      return undefined;
    case 'FAILED':
    case 'CANCELLED':
      // Rows of older versions say no more than their message.
      throw row.failure === null
        ? new BuildFailure(row.message ?? 'The step failed')
        : new RecordedFailure(row.failure as unknown as FailureOnRecord);
    case 'RUNNING':
      return endStep(run, execution, row.inputs as StepInputs, signal);
    default:
      return beginStep(run, execution, scope, signal);
  }
}

async function beginStep(
  run: BuildRun,
  execution: StepExecution,
  scope: ReferenceScope,
  signal: AbortSignal,
): Promise<StepInputs | undefined> {
  const { engine, claim } = run;
  const { id: stepExecutionId, step } = execution;
  let inputs: StepInputs = step.inputs;
  signal.throwIfAborted();
  try {
    const reason = skipReason(run, execution, scope);
    if (reason !== undefined) {
      run.monitorFor(step.name).line('kiln', `Skipping step ${step.name}: ${reason}`);
      await skipStep(engine.db, claim, { stepExecutionId, message: reason, at: engine.clock.now() });
      return undefined;
    }
    inputs = resolveInputs(step.inputs, scope);
  } catch (error) {
    if (error instanceof ClaimLostError) throw error;
    // A step whose condition or inputs have no value fails like any other: it has to run first.
    await startStep(engine.db, claim, { stepExecutionId, inputs, at: engine.clock.now() });
    throw error;
  }
  await startStep(engine.db, claim, { stepExecutionId, inputs, at: engine.clock.now() });
  run.monitorFor(step.name).line('kiln', `Starting step ${step.name} with action ${step.action}`);
  return endStep(run, execution, inputs, signal);
}

/** A RUNNING step to its end. */
async function endStep(
  run: BuildRun,
  execution: StepExecution,
  inputs: StepInputs,
  signal: AbortSignal,
): Promise<StepInputs> {
  const { engine, claim } = run;
  const { outputs, message, documentSeconds } = await runStep(run, execution, inputs, signal);
  const completed = { stepExecutionId: execution.id, outputs, message, documentSeconds, at: engine.clock.now() };
  await completeStep(engine.db, claim, completed);
  return outputs;
}

/** Why a step does not run, or undefined when it runs. */
function skipReason(run: BuildRun, execution: StepExecution, scope: ReferenceScope): string | undefined {
  const { condition, action } = execution.step;
  if (condition !== undefined && !evaluateCondition(condition, scope)) return 'its condition is false';
  return STEP_ACTIONS[action].nothingToDo?.({ plan: run.plan, workflowType: execution.workflowType });
}

async function recordFailure(run: BuildRun, { id, step }: StepExecution, error: Error): Promise<void> {
  const { engine, claim } = run;
  if (!isForeseen(error)) engine.log.error({ err: error, image: claim.imageArn, step: step.name }, 'unexpected error');
  const message = failureText(error);
  const outputs = error instanceof FailedWithOutputs ? error.outputs : { message };
  run.monitorFor(step.name).line('kiln', `Step ${step.name} failed: ${oneLine(message)}`);
  await failStep(engine.db, claim, {
    stepExecutionId: id,
    message: oneLine(message),
    outputs,
    failure: failureOnRecord(error),
    documentSeconds: error instanceof ComponentFailure ? error.documentSeconds : undefined,
    at: engine.clock.now(),
  });
}

function withOutputs(scope: ReferenceScope, step: WorkflowStep, outputs: StepInputs): ReferenceScope {
  return { ...scope, stepOutputs: { ...scope.stepOutputs, [step.name]: outputs } };
}
