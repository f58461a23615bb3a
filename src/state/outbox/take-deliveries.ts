import { type Kysely, sql } from 'kysely';
import type { Database } from '../tables.ts';
import type { OutboxRow } from './dispatch.ts';

export interface DueDelivery {
  readonly id: string;
  readonly route: string;
  /** Attempts that failed. */
  readonly attempts: number;
  /** Milliseconds, by the clock of the database. */
  readonly age: number;
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
  const { rows } = await sql<{ id: string; route: string; attempts: number; age: number; outbox_id: string }>`
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
    returning delivery.id, delivery.route, delivery.attempts, delivery.outbox_id,
      (extract(epoch from now() - delivery.created_at) * 1000)::float8 as age`.execute(db);
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
  return rows.flatMap(({ id, route, attempts, age, outbox_id: outboxId }) => {
    const item = byId.get(outboxId);
    return item === undefined ? [] : [{ id, route, attempts, age, item }];
  });
}
