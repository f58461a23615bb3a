import { type Kysely, sql } from 'kysely';
import { STAGES } from './image-states.ts';
import type { Database, WorkerCapacity } from './tables.ts';

/** A worker says that it is alive this often. */
export const HEARTBEAT_MS = 2_000;

/** After so long without a heartbeat others take its builds over. All by the clock of the database. */
const LOST_AFTER = sql<Date>`now() - interval '9 seconds'`;

const BEING_BUILT = STAGES.filter((stage) => stage !== 'PENDING');

export interface WorkerRecord {
  readonly id: string;
  readonly place: string;
  readonly capacity: WorkerCapacity;
}

/**
 * The heartbeat of a worker; the first one registers it.
 *
 * @returns Whether the worker was taken for lost since its last heartbeat, because that was too long ago.
 */
export async function beat(db: Kysely<Database>, { id, place, capacity }: WorkerRecord): Promise<boolean> {
  const { rows } = await sql<{ lost: boolean }>`
    with before as (select heartbeat_at from workers where id = ${id})
    insert into workers (id, place, capacity) values (${id}, ${place}, ${JSON.stringify(capacity)})
    on conflict (id) do update set heartbeat_at = now(), capacity = excluded.capacity
    returning (select heartbeat_at from before) < ${LOST_AFTER} as lost`.execute(db);
  return rows[0]?.lost === true;
}

/** A worker ends, or was found to have ended: what it was building can be taken at once. */
export async function removeWorker(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('workers').where('id', '=', id).execute();
}

/** The workers of a place, alive or not. */
export async function workersOf(db: Kysely<Database>, place: string): Promise<readonly string[]> {
  return (await db.selectFrom('workers').select('id').where('place', '=', place).execute()).map(({ id }) => id);
}

/** What the workers that show signs of life have, but for `except`. */
export async function aliveCapacities(db: Kysely<Database>, except = ''): Promise<readonly WorkerCapacity[]> {
  const alive = db.selectFrom('workers').select('capacity').where('heartbeat_at', '>', LOST_AFTER);
  return (await alive.where('id', '!=', except).execute()).map(({ capacity }) => capacity);
}

/**
 * Gives the builds of lost workers back to the queue, and of the worker `own` those that it does not run (`running`): a
 * build that it let go because the database was away. From here on nobody's old claim changes anything.
 */
export async function releaseLostBuilds(
  db: Kysely<Database>,
  own: { readonly workerId: string; readonly running: readonly string[] },
): Promise<readonly string[]> {
  const lost = db
    .selectFrom('images')
    .select('arn')
    .where('status', 'in', BEING_BUILT)
    .where('queued_from', 'is', null)
    .where('worker_id', 'is not', null)
    .where(({ and, eb, exists, not, or, selectFrom }) =>
      or([
        and([
          eb('worker_id', '=', own.workerId),
          ...(own.running.length === 0 ? [] : [eb('arn', 'not in', own.running)]),
        ]),
        not(
          exists(
            selectFrom('workers')
              .select('id')
              .whereRef('workers.id', '=', 'images.worker_id')
              .where('workers.heartbeat_at', '>', LOST_AFTER),
          ),
        ),
      ]),
    )
    // One that somebody is changing is looked at again with the next heartbeat.
    .forUpdate()
    .skipLocked();
  const released = await db
    .updateTable('images')
    .set(({ eb }) => ({ queued_from: sql<Date>`now()`, epoch: eb('epoch', '+', 1) }))
    .where('arn', 'in', lost)
    .returning('arn')
    .execute();
  return released.map(({ arn }) => arn);
}

/**
 * Images that a worker of this place may take now, in the order of the queue. One that has instances and disks at another
 * place waits for a worker of that place, as long as one is alive.
 */
export function nextBuilds(
  db: Kysely<Database>,
  { place, except, limit }: { readonly place: string; readonly except: readonly string[]; readonly limit: number },
) {
  return db
    .selectFrom('images')
    .select(['arn', 'infrastructure_configuration', 'image_recipe'])
    .where('queued_from', '<=', sql<Date>`now()`)
    .where('status', 'in', STAGES)
    .$if(except.length > 0, (query) => query.where('arn', 'not in', except))
    .where(({ eb, exists, not, or, selectFrom }) =>
      or([
        eb('images.place', 'is', null),
        eb('images.place', '=', place),
        not(
          exists(
            selectFrom('workers')
              .select('id')
              .whereRef('workers.place', '=', 'images.place')
              .where('workers.heartbeat_at', '>', LOST_AFTER),
          ),
        ),
      ]),
    )
    .orderBy('seq')
    .limit(limit)
    .execute();
}
