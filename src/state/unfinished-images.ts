import type { Kysely } from 'kysely';
import type { ImageRow } from './find-resource.ts';
import type { Database } from './tables.ts';

/**
 * The images that an installation was building and did not bring to an end, oldest first. At its start, when no build of
 * it runs, these are what a crash left behind; take each with reclaimImage before it is changed. PENDING images are not
 * among them: their jobs are still queued, or come back to the queue by themselves.
 */
export function unfinishedImages(db: Kysely<Database>, workerId: string): Promise<ImageRow[]> {
  return db
    .selectFrom('images')
    .selectAll()
    .where('status', 'in', ['CREATING', 'BUILDING', 'TESTING', 'DISTRIBUTING', 'INTEGRATING'])
    .where('worker_id', '=', workerId)
    .orderBy('seq')
    .execute();
}
