import { type Kysely, sql } from 'kysely';
import type { ImageRow } from './find-resource.ts';
import { STAGES } from './image-states.ts';
import { AT_ONCE } from './parked.ts';
import type { Database, WorkerCapacity } from './tables.ts';
import { aliveCapacities } from './workers.ts';

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
  const hint = hintOf(await aliveCapacities(db));
  return images.map((image) => {
    const position = positions.get(image.arn);
    if (position === undefined) return image;
    return { ...image, reason: `Number ${position} of the builds that wait for a worker.${hint}` };
  });
}

/** What a person can do about it; empty when that is to wait. */
function hintOf(workers: readonly WorkerCapacity[]): string {
  if (workers.length === 0) return ' No worker is running.';
  const held = Math.min(...workers.map(({ heldMemoryMiB = 0 }) => heldMemoryMiB));
  if (held === 0) return '';
  return ` Instances that were kept, or whose builds wait for an answer, hold ${held} MiB of its memory.`;
}

/** A parked build waits for a person; once it has an answer, or is to be retried, it waits for a worker as well. */
function isWaiting({ status, queued_from: from, parked_until: parked }: ImageRow): boolean {
  const isParked = parked !== null && parked.getTime() !== AT_ONCE.getTime();
  return from !== null && !isParked && (STAGES as readonly string[]).includes(status);
}
