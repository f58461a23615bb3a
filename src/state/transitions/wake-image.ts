import type { Kysely } from 'kysely';
import type { BuildJobs } from '../build-jobs.ts';
import type { ImageRow } from '../find-resource.ts';
import { AT_ONCE } from '../parked.ts';
import type { Database } from '../tables.ts';

/**
 * Lets a worker take a parked image now; nothing happens to one that is not parked. In a transaction that holds the
 * image's row.
 */
export async function wakeImage(
  trx: Kysely<Database>,
  image: Pick<ImageRow, 'arn' | 'parked_until'>,
  jobs: Pick<BuildJobs, 'enqueue'>,
): Promise<void> {
  if (image.parked_until === null) return;
  await trx.updateTable('images').set({ parked_until: AT_ONCE }).where('arn', '=', image.arn).execute();
  await jobs.enqueue(trx, image.arn);
}
