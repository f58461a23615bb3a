import type { Kysely } from 'kysely';
import { writeImageEvent, writeStepEvents } from '../events.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, fit, type ImageClaim, MESSAGE_LENGTH } from './claim.ts';
import { endRollbacks } from './end-rollbacks.ts';

export interface RestartWorkflows {
  readonly workflowExecutionIds: readonly string[];
  /** Cut to 500 characters. */
  readonly message: string;
  readonly at: Date;
}

/**
 * The worker of a build was lost, and these workflows cannot go on from where they were: they count as retried, what of
 * them was not over is CANCELLED, and whoever walks the image begins them anew. When a build workflow is among them, the
 * image goes back to CREATING. Throws ClaimLostError.
 */
export function restartWorkflows(
  db: Kysely<Database>,
  claim: ImageClaim,
  { workflowExecutionIds, message, at }: RestartWorkflows,
): Promise<void> {
  return changeClaimed(db, claim, async (trx, image) => {
    const ended = { message: fit(message, MESSAGE_LENGTH), ended_at: at };
    const steps = await trx
      .updateTable('workflow_step_executions')
      .set({ status: 'CANCELLED', ...ended })
      .where('workflow_execution_id', 'in', workflowExecutionIds)
      .where('status', 'in', ['PENDING', 'RUNNING'])
      .returning('id')
      .execute();
    const ids = steps.map(({ id }) => id);
    if (ids.length > 0) await trx.deleteFrom('component_steps').where('step_execution_id', 'in', ids).execute();
    await writeStepEvents(trx, ids, 'CANCELLED', at);
    await trx
      .updateTable('workflow_executions')
      .set({ status: 'CANCELLED', ...ended })
      .where('id', 'in', workflowExecutionIds)
      .where('status', 'in', ['RUNNING', 'ROLLBACK_IN_PROGRESS'])
      .execute();
    await endRollbacks(trx, workflowExecutionIds);
    const types = await trx
      .updateTable('workflow_executions')
      .set({ retried: true })
      .where('image_arn', '=', claim.imageArn)
      .where('id', 'in', workflowExecutionIds)
      .returning('type')
      .execute();
    const back = types.some(({ type }) => type === 'BUILD') && image.status !== 'CREATING';
    await trx
      .updateTable('images')
      .set({ restarts: image.restarts + 1, ...(back ? { status: 'CREATING' as const } : {}) })
      .where('arn', '=', claim.imageArn)
      .execute();
    if (back) await writeImageEvent(trx, claim.imageArn, { status: 'CREATING' }, at);
  });
}
