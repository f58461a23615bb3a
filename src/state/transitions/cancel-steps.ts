import type { Kysely } from 'kysely';
import { writeStepEvents } from '../events.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, fit, type ImageClaim, MESSAGE_LENGTH } from './claim.ts';

export interface CancelSteps {
  /** Left out: of all workflows of the image. */
  readonly workflowExecutionId?: string;
  /** Cut to 500 characters. */
  readonly message?: string | undefined;
  readonly at: Date;
}

/**
 * PENDING, RUNNING → CANCELLED, all at once: what was running was stopped, what was to come does not come. Gives their
 * ids. Throws ClaimLostError.
 */
export function cancelSteps(db: Kysely<Database>, claim: ImageClaim, request: CancelSteps): Promise<readonly string[]> {
  return changeClaimed(db, claim, async (trx) => {
    let update = trx
      .updateTable('workflow_step_executions')
      .set({
        status: 'CANCELLED',
        message: request.message === undefined ? null : fit(request.message, MESSAGE_LENGTH),
        ended_at: request.at,
      })
      .where('image_arn', '=', claim.imageArn)
      .where('status', 'in', ['PENDING', 'RUNNING']);
    if (request.workflowExecutionId !== undefined) {
      update = update.where('workflow_execution_id', '=', request.workflowExecutionId);
    }
    const ids = (await update.returning('id').execute()).map((row) => row.id);
    if (ids.length > 0) await trx.deleteFrom('component_steps').where('step_execution_id', 'in', ids).execute();
    await writeStepEvents(trx, ids, 'CANCELLED', request.at);
    return ids;
  });
}
