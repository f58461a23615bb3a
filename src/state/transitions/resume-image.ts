import type { Kysely } from 'kysely';
import { isUnfinished } from '../image-states.ts';
import { milliseconds } from '../parked.ts';
import type { Database } from '../tables.ts';
import { inTransaction, lockImage } from './claim.ts';
import type { Claimant, ClaimedAgain } from './claim-image.ts';
import { predecessorsOf } from './predecessors.ts';

/**
 * A parked image → the same status with a new claim: what it waited for has come, or will not come any more. `{inMs}`:
 * it is too early by so much. Undefined: it is not parked, somebody else has it, or it has ended.
 */
export function resumeImage(
  db: Kysely<Database>,
  { imageArn, workerId, place }: Claimant,
): Promise<ClaimedAgain | { readonly inMs: number } | undefined> {
  return inTransaction(db, async (trx) => {
    const parked = await lockImage(trx, imageArn);
    if (parked === undefined || parked.parked_until === null || !isUnfinished(parked.status)) return undefined;
    const wait = trx.selectFrom('images').select(milliseconds('parked_until').as('inMs')).where('arn', '=', imageArn);
    const { inMs } = await wait.executeTakeFirstOrThrow();
    if (inMs > 0) return { inMs };
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
