import type { Kysely } from 'kysely';
import { writeImageEvent } from '../events.ts';
import type { ImageRow } from '../find-resource.ts';
import type { Database, Predecessor } from '../tables.ts';
import { type ImageClaim, inTransaction, lockImage } from './claim.ts';

export interface Claimed {
  readonly claim: ImageClaim;
  /** As it is after the change. */
  readonly image: ImageRow;
}

/** An image that was begun before. */
export interface ClaimedAgain extends Claimed {
  /** Everybody who had it since somebody last settled what is on record of it; the last one is the one before. */
  readonly predecessors: readonly Predecessor[];
}

/** Who takes an image. */
export interface Claimant {
  readonly imageArn: string;
  readonly workerId: string;
  /** tables.ts, WorkersTable. */
  readonly place?: string;
}

/**
 * PENDING → CREATING: a worker takes the image. Undefined when it is not PENDING (any more): somebody else has it, it
 * was cancelled, or it is gone. Of two who try at once, one gets it.
 */
export function claimImage(
  db: Kysely<Database>,
  { imageArn, workerId, place, at }: Claimant & { readonly at: Date },
): Promise<Claimed | undefined> {
  return inTransaction(db, async (trx) => {
    const pending = await lockImage(trx, imageArn);
    if (pending?.status !== 'PENDING') return undefined;
    const image = await trx
      .updateTable('images')
      .set({
        ...{ status: 'CREATING', epoch: pending.epoch + 1, started_at: at },
        ...{ worker_id: workerId, place: place ?? null, queued_from: null },
      })
      .where('arn', '=', imageArn)
      .returningAll()
      .executeTakeFirstOrThrow();
    await writeImageEvent(trx, imageArn, { status: 'CREATING' }, at);
    return { claim: { imageArn, epoch: image.epoch }, image };
  });
}
