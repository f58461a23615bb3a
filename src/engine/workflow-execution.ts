import { randomUUID } from 'node:crypto';
import { startWorkflowExecution } from '../state/transitions/start-workflow-execution.ts';
import { BuildFailure } from '../util/faults.ts';
import type { PlannedWorkflow } from './build-plan.ts';
import type { BuildRun } from './build-run.ts';
import type { ExecutionRecord } from './execution-records.ts';
import type { StepExecution } from './run-step.ts';

/** A run of a workflow: its id, and its steps with theirs. */
export interface Execution {
  readonly id: string;
  readonly executions: readonly StepExecution[];
}

/** One that is to be started. */
export function newExecution({ arn, document }: PlannedWorkflow): Execution {
  const id = `wf-${randomUUID()}`;
  const executions = document.steps.map((step) => ({
    id: `step-${randomUUID()}`,
    step,
    workflowArn: arn,
    workflowExecutionId: id,
    workflowType: document.type,
  }));
  return { id, executions };
}

/** One that is on record. Throws a BuildFailure when the document is not the one that it began with. */
export function begunExecution({ arn, document }: PlannedWorkflow, record: ExecutionRecord): Execution {
  const executions = document.steps.map((step, index): StepExecution => {
    const row = record.steps[index];
    if (row === undefined || row.name !== step.name || record.steps.length !== document.steps.length) {
      throw new BuildFailure(`The steps of workflow '${arn}' are not those that the build began with`);
    }
    const begun = row.status === 'RUNNING' ? { attempt: row.attempt_number } : undefined;
    const execution = { id: row.id, step, workflowArn: arn, workflowExecutionId: record.id };
    return { ...execution, workflowType: document.type, begun };
  });
  return { id: record.id, executions };
}

/** Records the execution with all its steps. Throws ClaimLostError. */
export async function recordStart(
  run: BuildRun,
  { arn, document, parallelGroup }: PlannedWorkflow,
  { id, executions, position }: Execution & { readonly position: number },
): Promise<void> {
  const { engine, claim } = run;
  await startWorkflowExecution(engine.db, claim, {
    id,
    workflowArn: arn,
    type: document.type,
    position,
    ...(parallelGroup === undefined ? {} : { parallelGroup }),
    steps: executions.map(({ id: stepId, step }) => ({
      id: stepId,
      name: step.name,
      description: step.description,
      action: step.action,
      inputs: step.inputs,
      onFailure: step.onFailure,
      timeoutSeconds: step.timeoutSeconds,
      maxAttempts: step.maxAttempts,
    })),
    at: engine.clock.now(),
  });
  run.monitorFor().line('kiln', `Workflow ${arn} has ${executions.length} steps`);
}
