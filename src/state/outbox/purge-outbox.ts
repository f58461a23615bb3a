import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';

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
