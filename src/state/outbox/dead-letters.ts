/** Deliveries that were given up, for people to look at. */
import { type Kysely, sql } from 'kysely';
import type { Database } from '../tables.ts';
import type { OutboxRow } from './dispatch.ts';

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
    .set({ dead_at: null, attempts: 0, next_attempt_at: now, created_at: sql<Date>`now()` })
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
