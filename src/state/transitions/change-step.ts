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
  return changeClaimed(
    db,
    claim,
    async (trx) => {
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
      // What is written of its document steps is of the attempt that is over.
      await trx.deleteFrom('component_steps').where('step_execution_id', '=', stepExecutionId).execute();
      await writeStepEvents(trx, [stepExecutionId], change.to, change.at);
    },
    (trx) => isIn(trx, stepExecutionId, change),
  );
}

/** Whether an earlier try came through: nobody but us changes the step. */
async function isIn(
  trx: Kysely<Database>,
  stepExecutionId: string,
  { to, set }: { readonly to: StepExecutionStatus; readonly set: Updateable<WorkflowStepExecutionsTable> },
): Promise<boolean> {
  const step = await trx
    .selectFrom('workflow_step_executions')
    .select(['status', 'attempt_number'])
    .where('id', '=', stepExecutionId)
    .executeTakeFirst();
  return step?.status === to && (set.attempt_number ?? step.attempt_number) === step.attempt_number;
}
