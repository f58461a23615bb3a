import type { Kysely, Selectable } from 'kysely';
import type { Database, WorkflowExecutionsTable, WorkflowStepExecutionsTable } from '../state/tables.ts';

export type StepRow = Selectable<WorkflowStepExecutionsTable>;

/** A workflow execution as it is on record, with its steps in the order of the document. */
export interface ExecutionRecord extends Selectable<WorkflowExecutionsTable> {
  readonly steps: readonly StepRow[];
}

/** What a build has done so far, in the order of its workflows; earlier tries included. */
export async function executionRecords(db: Kysely<Database>, imageArn: string): Promise<readonly ExecutionRecord[]> {
  const executions = await db
    .selectFrom('workflow_executions')
    .selectAll()
    .where('image_arn', '=', imageArn)
    .orderBy('position')
    .execute();
  if (executions.length === 0) return [];
  const steps = await db
    .selectFrom('workflow_step_executions')
    .selectAll()
    .where('image_arn', '=', imageArn)
    .orderBy('position')
    .execute();
  return executions.map((execution) => ({
    ...execution,
    steps: steps.filter((step) => step.workflow_execution_id === execution.id),
  }));
}

export interface Place {
  /** Of the execution that is to be started, when there is none. */
  readonly position: number;
  readonly record: ExecutionRecord | undefined;
}

/**
 * Where the workflow with this index in the plan stands. Executions that were retried are of earlier rounds: each round has
 * a position for every workflow of the plan.
 */
export function placeOf(records: readonly ExecutionRecord[], index: number, workflowCount: number): Place {
  const same = records.filter(({ position }) => position % workflowCount === index);
  const record = same.findLast(({ retried }) => !retried);
  if (record !== undefined) return { position: record.position, record };
  const last = Math.max(-1, ...records.filter(({ retried }) => retried).map(({ position }) => position));
  const round = Math.floor(last / workflowCount) + 1;
  return { position: round * workflowCount + index, record: undefined };
}
