import type { Kysely } from 'kysely';
import type { Database, ResolvedDefinitions } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** Keeps what the definitions of an image mean, for whoever goes on with its build. Throws ClaimLostError. */
export function recordResolution(
  db: Kysely<Database>,
  claim: ImageClaim,
  resolved: ResolvedDefinitions,
): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    await trx
      .updateTable('images')
      .set({ resolved: JSON.stringify(resolved) })
      .where('arn', '=', claim.imageArn)
      .execute();
  });
}
