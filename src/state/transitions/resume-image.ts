import type { Kysely } from 'kysely';
import { isUnfinished } from '../image-states.ts';
import type { Database } from '../tables.ts';
import { inTransaction, lockImage } from './claim.ts';
import type { Claimant, ClaimedAgain } from './claim-image.ts';
import { predecessorsOf } from './predecessors.ts';

/**
 * A parked image → the same status with a new claim: what it waited for has come, or will not come any more. `{notBefore}`:
 * it is too early. Undefined: it is not parked, somebody else has it, or it has ended.
 */
export function resumeImage(
  db: Kysely<Database>,
  { imageArn, workerId, place, at }: Claimant & { readonly at: Date },
): Promise<ClaimedAgain | { readonly notBefore: Date } | undefined> {
  return inTransaction(db, async (trx) => {
    const parked = await lockImage(trx, imageArn);
    if (parked === undefined || parked.parked_until === null || !isUnfinished(parked.status)) return undefined;
    if (parked.parked_until > at) return { notBefore: parked.parked_until };
    const predecessors = predecessorsOf(parked);
    const image = await trx
      .updateTable('images')
      .set({
        ...{ parked_until: null, epoch: parked.epoch + 1 },
        ...{ worker_id: workerId, place: place ?? null, queued_from: null },
        predecessors: JSON.stringify(predecessors),
      })
      .where('arn', '=', imageArn)
      .returningAll()
      .executeTakeFirstOrThrow();
    return { claim: { imageArn, epoch: image.epoch }, image, predecessors };
  });
}
