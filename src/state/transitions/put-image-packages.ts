import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

export interface ImageMetadata {
  /** `Debian GNU/Linux 12`; undefined when the guest does not say. */
  readonly osVersion?: string | undefined;
  /** In the order in which ListImagePackages gives them. */
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

/** Rows of one INSERT: four parameters each, and the protocol holds 65,535. */
const ROWS_PER_INSERT = 5_000;

/** Records what is in the image, in place of what was recorded before. Throws ClaimLostError. */
export function putImagePackages(db: Kysely<Database>, claim: ImageClaim, metadata: ImageMetadata): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    if (metadata.osVersion !== undefined) {
      await trx
        .updateTable('images')
        .set({ os_version: metadata.osVersion })
        .where('arn', '=', claim.imageArn)
        .execute();
    }
    await trx.deleteFrom('image_packages').where('image_arn', '=', claim.imageArn).execute();
    const rows = metadata.packages.map(({ name, version }, position) => ({
      image_arn: claim.imageArn,
      position,
      package_name: name,
      package_version: version,
    }));
    for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
      await trx
        .insertInto('image_packages')
        .values(rows.slice(start, start + ROWS_PER_INSERT))
        .execute();
    }
  });
}
