import { type Kysely, sql } from 'kysely';
import type { ImageRow } from './find-resource.ts';
import { STAGES } from './image-states.ts';
import { AT_ONCE } from './parked.ts';
import type { Database } from './tables.ts';
import { isAnyWorkerAlive } from './workers.ts';

/** The images with the reason why nobody works on them, where they wait for a worker: their place in the queue. */
export async function withQueuePosition(db: Kysely<Database>, images: readonly ImageRow[]): Promise<ImageRow[]> {
  const waiting = images.filter(isWaiting).map(({ arn }) => arn);
  if (waiting.length === 0) return [...images];
  const rows = await db
    .selectFrom('images as image')
    .select('image.arn')
    .select(({ selectFrom }) =>
      selectFrom('images as other')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('other.queued_from', '<=', sql<Date>`now()`)
        .where('other.status', 'in', STAGES)
        .whereRef('other.seq', '<=', 'image.seq')
        .as('position'),
    )
    .where('image.arn', 'in', waiting)
    .execute();
  const positions = new Map(rows.map(({ arn, position }) => [arn, Number(position)]));
  const idle = (await isAnyWorkerAlive(db)) ? '' : ' No worker is running.';
  return images.map((image) => {
    const position = positions.get(image.arn);
    if (position === undefined) return image;
    return { ...image, reason: `Number ${position} of the builds that wait for a worker.${idle}` };
  });
}

/** A parked build waits for a person; once it has an answer, or is to be retried, it waits for a worker as well. */
function isWaiting({ status, queued_from: from, parked_until: parked }: ImageRow): boolean {
  const isParked = parked !== null && parked.getTime() !== AT_ONCE.getTime();
  return from !== null && !isParked && (STAGES as readonly string[]).includes(status);
}
