import type { Kysely } from 'kysely';
import { isUnfinished } from '../image-states.ts';
import type { Database } from '../tables.ts';
import { inTransaction, lockImage } from './claim.ts';
import type { Claimant, ClaimedAgain } from './claim-image.ts';
import { predecessorsOf } from './predecessors.ts';

/**
 * CREATING … INTEGRATING → the same status with a new claim: a worker goes on with a build whose worker was lost and that
 * was therefore queued again (workers.ts). Undefined when it is not such an image (any more).
 */
export function takeOverImage(
  db: Kysely<Database>,
  { imageArn, workerId, place }: Claimant,
): Promise<ClaimedAgain | undefined> {
  return inTransaction(db, async (trx) => {
    const found = await lockImage(trx, imageArn);
    if (found === undefined || !isUnfinished(found.status) || found.status === 'PENDING') return undefined;
    if (found.queued_from === null || found.parked_until !== null) return undefined;
    const predecessors = predecessorsOf(found);
    const image = await trx
      .updateTable('images')
      .set({ epoch: found.epoch + 1, worker_id: workerId, place: place ?? null, queued_from: null })
      .set({ predecessors: JSON.stringify(predecessors) })
      .where('arn', '=', imageArn)
      .returningAll()
      .executeTakeFirstOrThrow();
    return { claim: { imageArn, epoch: image.epoch }, image, predecessors };
  });
}
