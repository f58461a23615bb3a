import { type Kysely, sql } from 'kysely';
import type { Database } from '../tables.ts';
import { changeAtOnce } from './change-at-once.ts';
import type { ImageClaim } from './claim.ts';

/** Adds tags to an image that is being built; one of the same key is replaced. Throws ClaimLostError. */
export async function addImageTags(
  db: Kysely<Database>,
  claim: ImageClaim,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  if (Object.keys(tags).length === 0) return;
  const tagged = sql`changed as (
    update images set tags = tags || ${JSON.stringify(tags)}::jsonb from claimed where images.arn = claimed.arn
    returning images.arn
  )`;
  await changeAtOnce(db, claim, tagged);
}
