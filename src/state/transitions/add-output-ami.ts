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

/** Adds an AMI to the image's output resources, or replaces the entry of the same AMI. Throws ClaimLostError. */
export function addOutputAmi(db: Kysely<Database>, claim: ImageClaim, ami: OutputAmi): Promise<void> {
  return changeClaimed(db, claim, async (trx, image) => {
    const before = (image.output_resources['amis'] ?? []) as readonly OutputAmi[];
    const others = before.filter((other) => other.image !== ami.image || other.region !== ami.region);
    await trx
      .updateTable('images')
      .set({ output_resources: JSON.stringify({ ...image.output_resources, amis: [...others, ami] }) })
      .where('arn', '=', claim.imageArn)
      .execute();
  });
}
