import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** AWS's Ami shape. */
export interface OutputAmi {
  readonly region: string;
  /** `ami-…` */
  readonly image: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly accountId: string;
}

/** Records which AMIs an image has, instead of those that it had in an earlier try. Throws ClaimLostError. */
export function putOutputAmis(db: Kysely<Database>, claim: ImageClaim, amis: readonly OutputAmi[]): Promise<void> {
  return changeClaimed(db, claim, async (trx, image) => {
    await trx
      .updateTable('images')
      .set({ output_resources: JSON.stringify({ ...image.output_resources, amis }) })
      .where('arn', '=', claim.imageArn)
      .execute();
  });
}
