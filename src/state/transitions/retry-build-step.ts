import type { Kysely } from 'kysely';
import { keptInstances } from '../kept-instances.ts';
import type { Database } from '../tables.ts';

/**
 * Lets the build workflow of a FAILED image go on at the step that failed, when its instance was kept and nothing was taken
 * back. In a transaction that holds the image's row. False: it cannot go on.
 */
export async function retryBuildStep(trx: Kysely<Database>, imageArn: string): Promise<boolean> {
  if ((await keptInstances(trx, imageArn)).length === 0) return false;
  const workflow = await trx
    .selectFrom('workflow_executions')
    .select(['id', 'status'])
    .where('image_arn', '=', imageArn)
    .where('retried', '=', false)
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  // With another status its steps were taken back, or it did not end by a failure.
  if (workflow?.status !== 'FAILED') return false;
  const steps = trx.updateTable('workflow_step_executions').where('workflow_execution_id', '=', workflow.id);
  const { numUpdatedRows } = await steps
    .set({
      ...{ status: 'PENDING', attempt_number: 0, message: null, outputs: null, started_at: null, ended_at: null },
      ...{ failure: null, document_seconds: null },
    })
    .where('status', '=', 'FAILED')
    .where('on_failure', '=', 'Abort')
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) return false;
  await steps.set({ rollback_status: null }).execute();
  await trx
    .updateTable('workflow_executions')
    .set({ status: 'RUNNING', message: null, ended_at: null })
    .where('id', '=', workflow.id)
    .execute();
  return true;
}
