import type { Kysely } from 'kysely';
import { writeImageEvent } from '../events.ts';
import { mayFollow, type Stage } from '../image-states.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/**
 * CREATING → BUILDING → TESTING → DISTRIBUTING → INTEGRATING: the build goes on to a later stage; stages may be left out.
 * Throws ClaimLostError, and an Error for a step backwards, which is a bug of the caller.
 */
export function setImageStatus(
  db: Kysely<Database>,
  claim: ImageClaim,
  status: Exclude<Stage, 'PENDING' | 'CREATING'>,
  at: Date,
): Promise<void> {
  return changeClaimed(
    db,
    claim,
    async (trx, image) => {
      if (!mayFollow(image.status, status)) throw new Error(`An image does not go from ${image.status} to ${status}.`);
      await trx.updateTable('images').set({ status }).where('arn', '=', claim.imageArn).execute();
      await writeImageEvent(trx, claim.imageArn, { status }, at);
    },
    (_, image) => image.status === status,
  );
}
