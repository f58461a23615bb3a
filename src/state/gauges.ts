import type { Kysely } from 'kysely';
import type { Database } from './tables.ts';

/** Images by status, and how many of them wait for a worker. */
export async function readGauges(
  db: Kysely<Database>,
): Promise<{ readonly images: ReadonlyMap<string, number>; readonly queued: number }> {
  const rows = await db
    .selectFrom('images')
    .select(({ fn }) => ['status', fn.countAll<string>().as('count')])
    .groupBy('status')
    .execute();
  const images = new Map(rows.map(({ status, count }) => [status as string, Number(count)]));
  return { images, queued: images.get('PENDING') ?? 0 };
}
