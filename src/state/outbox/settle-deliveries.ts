/** What became of an attempt. */
import { type Kysely, sql } from 'kysely';
import type { Database } from '../tables.ts';
import { type DueDelivery, LONGEST_WAIT_MS } from './take-deliveries.ts';

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
