import type { Kysely } from 'kysely';
import type { Database } from './tables.ts';

/**
 * The keys of the states that the disk of an image went through in its last build workflow, as its steps noted them
 * (ExecuteComponents: `stateBefore`, `executors`). Whether a checkpoint was kept of one, and is still there, is not known here.
 */
export async function checkpointsOnRecord(db: Kysely<Database>, imageArn: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('workflow_step_executions as step')
    .innerJoin('workflow_executions as workflow', 'workflow.id', 'step.workflow_execution_id')
    .select('step.outputs')
    .where('step.image_arn', '=', imageArn)
    .where('step.action', '=', 'ExecuteComponents')
    .where('workflow.type', '=', 'BUILD')
    .where('workflow.retried', '=', false)
    .execute();
  const keys = rows.flatMap(({ outputs }) => [outputs?.['stateBefore'], ...keysOf(outputs?.['executors'])]);
  return keys.filter((key) => typeof key === 'string');
}

function keysOf(executors: unknown): readonly unknown[] {
  if (typeof executors !== 'string') return [];
  try {
    const list: unknown = JSON.parse(executors);
    return Array.isArray(list) ? list.map((one: { readonly key?: unknown } | null) => one?.key) : [];
  } catch {
    return [];
  }
}
