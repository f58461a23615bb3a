import type { Kysely } from 'kysely';
import type { ImageRow } from '../find-resource.ts';
import type { Database, Predecessor } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** A build that is taken over again and again before anybody settles it: the oldest are forgotten. */
const MOST = 20;
const FORGOTTEN: Predecessor = { workerId: null, place: null };

/**
 * Who had the image before whoever takes it now. One who takes it over and is lost before it has settled what others left
 * (settle-predecessors.ts) hands them on: they may only be frozen, and end what is theirs when they thaw.
 */
export function predecessorsOf(image: Pick<ImageRow, 'predecessors' | 'worker_id' | 'place'>): readonly Predecessor[] {
  const last: Predecessor = { workerId: image.worker_id, place: image.place };
  const before = image.predecessors.filter(({ workerId, place }) => workerId !== last.workerId || place !== last.place);
  const all = [...before, last];
  return all.length <= MOST ? all : [FORGOTTEN, ...all.slice(1 - MOST)];
}

/** What is on record of the image is the claimant's alone from here on. Throws ClaimLostError. */
export function forgetPredecessors(db: Kysely<Database>, claim: ImageClaim): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    await trx.updateTable('images').set({ predecessors: '[]' }).where('arn', '=', claim.imageArn).execute();
  });
}
