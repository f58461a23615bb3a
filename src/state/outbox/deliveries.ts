/** Deliveries that wait, are being tried, and were given up. */
import { type Kysely, sql } from 'kysely';
import type { Database } from '../tables.ts';
import type { OutboxRow } from './dispatch.ts';

export interface DueDelivery {
  readonly id: string;
  readonly route: string;
  /** Attempts that failed. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly item: OutboxRow;
}

export interface TakeDeliveries {
  readonly now: Date;
  readonly limit: number;
  /** Of one route at a time, so that one that hangs leaves room for others. */
  readonly perRoute: number;
  /** How long nobody else tries them; longer than an attempt can take. */
  readonly leaseMs: number;
}

/** Waits are never longer than this; what waits longer does so because the clock was put back, and is due. */
export const LONGEST_WAIT_MS = 10 * 60_000;

/**
 * Takes deliveries that are due: of each route and thing only the oldest, so that order is kept, and of a route that
 * failed last time only one. Whoever takes them settles each, or dies; then the lease ends.
 */
export async function takeDeliveries(
  db: Kysely<Database>,
  { now, limit, perRoute, leaseMs }: TakeDeliveries,
): Promise<readonly DueDelivery[]> {
  const later = new Date(now.getTime() + Math.max(LONGEST_WAIT_MS, leaseMs) + 60_000);
  const isPast = (column: string) => sql`(${sql.ref(column)} <= ${now} or ${sql.ref(column)} > ${later})`;
  const leasedUntil = new Date(now.getTime() + leaseMs);
  const { rows } = await sql<{ id: string; route: string; attempts: number; created_at: Date; outbox_id: string }>`
    with due as materialized (
      select delivery.id, delivery.route, delivery.about, delivery.next_attempt_at,
        coalesce(route.failures, 0) as failures
      from deliveries delivery
      left join delivery_routes route on route.route = delivery.route
      where delivery.dead_at is null and ${isPast('delivery.next_attempt_at')}
        and (delivery.leased_until is null or ${isPast('delivery.leased_until')})
        and (route.blocked_until is null or ${isPast('route.blocked_until')})
    ), busy as (
      select route, count(*) as leased from deliveries
      where dead_at is null and leased_until > ${now} and leased_until <= ${later}
      group by route
    ), head as (
      select due.*, coalesce(busy.leased, 0) as leased,
        row_number() over (partition by due.route order by due.next_attempt_at, due.id) as place
      from due
      left join busy on busy.route = due.route
      where not exists (
        select from deliveries earlier
        where earlier.route = due.route and earlier.about = due.about and earlier.dead_at is null
          and earlier.id < due.id)
    ), chosen as (
      select delivery.id from deliveries delivery join head on head.id = delivery.id
      where head.place + head.leased <= case when head.failures > 0 then 1 else ${perRoute}::int end
      order by head.next_attempt_at, head.id
      limit ${limit}
      for update of delivery skip locked
    )
    update deliveries delivery set leased_until = ${leasedUntil}
    from chosen
    where delivery.id = chosen.id and delivery.dead_at is null
      and (delivery.leased_until is null or ${isPast('delivery.leased_until')})
    returning delivery.id, delivery.route, delivery.attempts, delivery.created_at, delivery.outbox_id`.execute(db);
  if (rows.length === 0) return [];
  const items = await db
    .selectFrom('outbox')
    .selectAll()
    .where(
      'id',
      'in',
      rows.map((row) => row.outbox_id),
    )
    .execute();
  const byId = new Map(items.map((item) => [item.id, item]));
  return rows.flatMap(({ id, route, attempts, created_at: createdAt, outbox_id: outboxId }) => {
    const item = byId.get(outboxId);
    return item === undefined ? [] : [{ id, route, attempts, createdAt, item }];
  });
}

/** It arrived. Also its route works again. */
export async function settleDelivered(db: Kysely<Database>, { id, route }: DueDelivery): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.deleteFrom('deliveries').where('id', '=', id).execute();
    await trx.deleteFrom('delivery_routes').where('route', '=', route).execute();
  });
}

/** It did not arrive and is tried again after a while, as is everything else of its route. */
export async function settleFailed(
  db: Kysely<Database>,
  { id, route }: DueDelivery,
  { error, now, waitMs }: { readonly error: string; readonly now: Date; readonly waitMs: (failures: number) => number },
): Promise<void> {
  const after = (failures: number): Date => new Date(now.getTime() + Math.min(waitMs(failures), LONGEST_WAIT_MS));
  await db.transaction().execute(async (trx) => {
    const failed = await trx
      .updateTable('deliveries')
      .set({ attempts: sql`attempts + 1`, leased_until: null, last_error: error })
      .where('id', '=', id)
      .returning('attempts')
      .executeTakeFirst();
    // It was dropped, or its rule is gone.
    if (failed === undefined) return;
    await trx
      .updateTable('deliveries')
      .set({ next_attempt_at: after(failed.attempts) })
      .where('id', '=', id)
      .execute();
    const { failures } = await trx
      .insertInto('delivery_routes')
      .values({ route, failures: 1, blocked_until: after(1) })
      .onConflict((conflict) => conflict.column('route').doUpdateSet({ failures: sql`delivery_routes.failures + 1` }))
      .returning('failures')
      .executeTakeFirstOrThrow();
    await trx
      .updateTable('delivery_routes')
      .set({ blocked_until: after(failures) })
      .where('route', '=', route)
      .execute();
  });
}

/** Nobody knows whether it arrived, because whoever tried has to stop: somebody else tries at once. */
export async function releaseDelivery(db: Kysely<Database>, { id }: Pick<DueDelivery, 'id'>): Promise<void> {
  await db.updateTable('deliveries').set({ leased_until: null }).where('id', '=', id).execute();
}

/** It will never arrive: a dead letter. What comes after it goes on. */
export async function settleDead(
  db: Kysely<Database>,
  { id }: Pick<DueDelivery, 'id'>,
  { error, now }: { readonly error: string; readonly now: Date },
): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({ attempts: sql`attempts + 1`, leased_until: null, last_error: error, dead_at: now })
    .where('id', '=', id)
    .execute();
}

export interface DeadLetter {
  readonly id: string;
  readonly route: string;
  readonly about: string;
  readonly attempts: number;
  readonly error: string;
  readonly deadAt: Date;
  readonly item: Pick<OutboxRow, 'kind' | 'uid' | 'body' | 'created_at'>;
}

/** The oldest first, after the one with id `afterId`. */
export async function readDeadLetters(
  db: Kysely<Database>,
  { afterId = '0', limit }: { readonly afterId?: string; readonly limit: number },
): Promise<readonly DeadLetter[]> {
  const rows = await db
    .selectFrom('deliveries')
    .innerJoin('outbox', 'outbox.id', 'deliveries.outbox_id')
    .select(['deliveries.id', 'route', 'deliveries.about', 'attempts', 'last_error', 'dead_at'])
    .select(['kind', 'uid', 'body', 'outbox.created_at'])
    .where('dead_at', 'is not', null)
    .where('deliveries.id', '>', afterId)
    .orderBy('deliveries.id')
    .limit(limit)
    .execute();
  return rows.map(({ id, route, about, attempts, last_error, dead_at, ...item }) => ({
    ...{ id, route, about, attempts, error: last_error ?? '', item },
    deadAt: dead_at ?? item.created_at,
  }));
}

/** Tries dead letters again: one, or all. Gives how many. They come before what waits of the same thing. */
export async function retryDeadLetters(db: Kysely<Database>, id: string | undefined, now: Date): Promise<number> {
  const result = await db
    .updateTable('deliveries')
    .set({ dead_at: null, attempts: 0, next_attempt_at: now, created_at: now })
    .where('dead_at', 'is not', null)
    .$if(id !== undefined, (query) => query.where('id', '=', id ?? ''))
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/** Forgets dead letters: one, or all. Gives how many. */
export async function dropDeadLetters(db: Kysely<Database>, id: string | undefined): Promise<number> {
  const result = await db
    .deleteFrom('deliveries')
    .where('dead_at', 'is not', null)
    .$if(id !== undefined, (query) => query.where('id', '=', id ?? ''))
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Forgets what was published before `before` and is owed to nobody. */
export async function purgeOutbox(db: Kysely<Database>, before: Date): Promise<number> {
  const result = await db
    .deleteFrom('outbox')
    .where('created_at', '<', before)
    .where('dispatched_at', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('deliveries').select('deliveries.id').whereRef('outbox_id', '=', 'outbox.id'))),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
