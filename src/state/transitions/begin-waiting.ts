import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

export interface BeginWaiting {
  readonly stepExecutionId: string;
  readonly since: Date;
  readonly deadline: Date;
}

/**
 * A RUNNING step begins to wait for RESUME or STOP. A second attempt of the step waits anew, whatever the first one was
 * told. Throws ClaimLostError.
 */
export function beginWaiting(db: Kysely<Database>, claim: ImageClaim, wait: BeginWaiting): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    await trx.deleteFrom('waiting_steps').where('step_execution_id', '=', wait.stepExecutionId).execute();
    await trx
      .insertInto('waiting_steps')
      .values({
        step_execution_id: wait.stepExecutionId,
        image_arn: claim.imageArn,
        since: wait.since,
        deadline: wait.deadline,
        action: null,
        reason: null,
        answered_at: null,
      })
      .execute();
  });
}
