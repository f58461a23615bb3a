import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database, OutboxTable } from '../tables.ts';

export type OutboxRow = Selectable<OutboxTable>;

/** Where something of the outbox is to go: none, or several routes. */
export type RoutesOf = (row: OutboxRow) => readonly string[];

const BATCH = 500;

/**
 * Makes deliveries of what was published, in the order of publishing for what is about one thing. One at a time does so,
 * however many servers try. `readRoutes` is called in the transaction. Gives how much was dispatched; the caller goes on
 * while it is not 0.
 */
export function dispatchOutbox(
  db: Kysely<Database>,
  readRoutes: (trx: Kysely<Database>, rows: readonly OutboxRow[]) => Promise<RoutesOf>,
  now: Date,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('kiln dispatch', 0))`.execute(trx);
    const rows = await trx
      .selectFrom('outbox')
      .selectAll()
      .where('dispatched_at', 'is', null)
      .orderBy('id')
      .limit(BATCH)
      .execute();
    if (rows.length === 0) return 0;
    const routesOf = await readRoutes(trx, rows);
    const deliveries = rows.flatMap((row) =>
      routesOf(row).map((route) => ({
        outbox_id: row.id,
        route,
        about: row.about,
        // How old it is is told by the clock of the database: one that jumps makes no dead letters.
        created_at: sql<Date>`now()`,
        next_attempt_at: now,
      })),
    );
    if (deliveries.length > 0) await trx.insertInto('deliveries').values(deliveries).execute();
    await sql`
      update outbox set dispatched_at = ${now}, position = numbered.position
      from (
        select id, nextval('outbox_positions') as position
        from unnest(${rows.map(({ id }) => id)}::bigint[]) with ordinality as listed (id, place) order by place
      ) numbered
      where outbox.id = numbered.id`.execute(trx);
    return rows.length;
  });
}
