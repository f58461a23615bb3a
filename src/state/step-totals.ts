import { type Kysely, sql } from 'kysely';
import type { Database } from './tables.ts';

/** Steps of a workflow execution by how they ended. `failed` counts cancelled ones not. */
export interface StepTotals {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts the steps of workflow executions; every id that was asked for is in the answer. */
export async function stepTotals(
  db: Kysely<Database>,
  workflowExecutionIds: readonly string[],
): Promise<ReadonlyMap<string, StepTotals>> {
  const totals = new Map(workflowExecutionIds.map((id) => [id, { succeeded: 0, failed: 0, skipped: 0 }]));
  if (workflowExecutionIds.length === 0) return totals;
  const rows = await db
    .selectFrom('workflow_step_executions')
    .select([
      'workflow_execution_id',
      sql<number>`(count(*) filter (where status = 'COMPLETED'))::int`.as('succeeded'),
      sql<number>`(count(*) filter (where status = 'FAILED'))::int`.as('failed'),
      sql<number>`(count(*) filter (where status = 'SKIPPED'))::int`.as('skipped'),
    ])
    .where('workflow_execution_id', 'in', workflowExecutionIds)
    .groupBy('workflow_execution_id')
    .execute();
  for (const { workflow_execution_id, ...counts } of rows) totals.set(workflow_execution_id, counts);
  return totals;
}
