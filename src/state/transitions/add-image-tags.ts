import { type Kysely, sql } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** Adds tags to an image that is being built; one of the same key is replaced. Throws ClaimLostError. */
export function addImageTags(
  db: Kysely<Database>,
  claim: ImageClaim,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    await trx
      .updateTable('images')
      .set({ tags: sql`tags || ${JSON.stringify(tags)}::jsonb` })
      .where('arn', '=', claim.imageArn)
      .execute();
  });
}
