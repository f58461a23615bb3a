import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** Records that in the image is what is in another one with the same disk. Throws ClaimLostError. */
export function copyImagePackages(db: Kysely<Database>, claim: ImageClaim, from: string): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    const image = await trx.selectFrom('images').select('os_version').where('arn', '=', from).executeTakeFirst();
    if (typeof image?.os_version === 'string') {
      const set = { os_version: image.os_version };
      await trx.updateTable('images').set(set).where('arn', '=', claim.imageArn).execute();
    }
    await trx.deleteFrom('image_packages').where('image_arn', '=', claim.imageArn).execute();
    await trx
      .insertInto('image_packages')
      .columns(['image_arn', 'position', 'package_name', 'package_version'])
      .expression((from_) =>
        from_
          .selectFrom('image_packages')
          .select(({ val }) => [
            val(claim.imageArn).as('image_arn'),
            'position' as const,
            'package_name' as const,
            'package_version' as const,
          ])
          .where('image_arn', '=', from),
      )
      .execute();
  });
}
