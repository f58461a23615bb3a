import type { Kysely, Updateable } from 'kysely';
import { writeStepEvents } from '../events.ts';
import type { Database, StepExecutionStatus, WorkflowStepExecutionsTable } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/**
 * The common part of the transitions of one step: changes it and records the event, under the image's claim. Throws
 * ClaimLostError, and an Error when the step is not in the state `from`, which is a bug of the caller.
 */
export function changeStep(
  db: Kysely<Database>,
  claim: ImageClaim,
  stepExecutionId: string,
  change: {
    readonly from: StepExecutionStatus;
    readonly to: StepExecutionStatus;
    readonly set: Updateable<WorkflowStepExecutionsTable>;
    readonly at: Date;
  },
): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('workflow_step_executions')
      .set({ ...change.set, status: change.to })
      .where('id', '=', stepExecutionId)
      .where('image_arn', '=', claim.imageArn)
      .where('status', '=', change.from)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) {
      throw new Error(
        `${claim.imageArn} has no step ${stepExecutionId} that goes from ${change.from} to ${change.to}.`,
      );
    }
    await writeStepEvents(trx, [stepExecutionId], change.to, change.at);
  });
}
