import type { Kysely } from 'kysely';
import type { Database, WorkflowExecutionStatus } from '../tables.ts';

/** Whether a workflow execution is on record, with this status. */
export async function hasExecution(
  trx: Kysely<Database>,
  id: string,
  status: WorkflowExecutionStatus = 'RUNNING',
): Promise<boolean> {
  const query = trx.selectFrom('workflow_executions').select('id').where('id', '=', id).where('status', '=', status);
  return (await query.executeTakeFirst()) !== undefined;
}
