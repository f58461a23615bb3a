import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** Everybody who is to know that a step waits has been told. Throws ClaimLostError. */
export function markNotified(
  db: Kysely<Database>,
  claim: ImageClaim,
  { stepExecutionId, at }: { readonly stepExecutionId: string; readonly at: Date },
): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    await trx
      .updateTable('waiting_steps')
      .set({ notified_at: at })
      .where('step_execution_id', '=', stepExecutionId)
      .execute();
  });
}
