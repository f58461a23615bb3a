import type { Kysely } from 'kysely';
import { isUnfinished } from '../image-states.ts';
import type { Database } from '../tables.ts';
import { inTransaction, lockImage } from './claim.ts';
import type { Claimed } from './claim-image.ts';

/**
 * CREATING … INTEGRATING → the same status with a new claim: an installation takes back an image that it was building
 * when it died (unfinished-images.ts). Whatever still runs under the old claim changes nothing from here on. Undefined
 * when the image ended meanwhile or is another installation's.
 */
export function reclaimImage(
  db: Kysely<Database>,
  { imageArn, workerId }: { readonly imageArn: string; readonly workerId: string },
): Promise<Claimed | undefined> {
  return inTransaction(db, async (trx) => {
    const found = await lockImage(trx, imageArn);
    if (found === undefined || found.worker_id !== workerId || !isUnfinished(found.status)) return undefined;
    const image = await trx
      .updateTable('images')
      .set({ epoch: found.epoch + 1 })
      .where('arn', '=', imageArn)
      .returningAll()
      .executeTakeFirstOrThrow();
    return { claim: { imageArn, epoch: image.epoch }, image };
  });
}
