import { type Kysely, sql } from 'kysely';
import type { Database, ResolvedDefinitions } from '../tables.ts';
import { changeAtOnce } from './change-at-once.ts';
import type { ImageClaim } from './claim.ts';

/** Keeps what the definitions of an image mean, for whoever goes on with its build. Throws ClaimLostError. */
export async function recordResolution(
  db: Kysely<Database>,
  claim: ImageClaim,
  resolved: ResolvedDefinitions,
): Promise<void> {
  const recorded = sql`changed as (
    update images set resolved = ${JSON.stringify(resolved)}::jsonb from claimed where images.arn = claimed.arn
    returning images.arn
  )`;
  await changeAtOnce(db, claim, recorded);
}
