import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** Adds tags of the builder's own to an image, in place of those of the same keys. Throws ClaimLostError. */
export function tagImage(
  db: Kysely<Database>,
  claim: ImageClaim,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  return changeClaimed(db, claim, async (trx, image) => {
    const all = JSON.stringify({ ...image.tags, ...tags });
    await trx.updateTable('images').set({ tags: all }).where('arn', '=', claim.imageArn).execute();
  });
}
