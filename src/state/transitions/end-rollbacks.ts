import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';

/**
 * Of steps whose workflows end while they are taken back, that counts as failed: nobody goes on with it. In a transaction
 * that ends the workflows.
 */
export async function endRollbacks(trx: Kysely<Database>, workflowExecutionIds: readonly string[]): Promise<void> {
  await trx
    .updateTable('workflow_step_executions')
    .set({ rollback_status: 'FAILED' })
    .where('workflow_execution_id', 'in', workflowExecutionIds)
    .where('rollback_status', '=', 'RUNNING')
    .execute();
}
