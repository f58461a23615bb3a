import { type Kysely, sql } from 'kysely';
import type { Database } from './tables.ts';

const ANSWER_MS = 2_000;

/** Whether the database answers, and soon. */
export async function isReady(db: Kysely<Database>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ANSWER_MS);
  const answered = sql`select 1`.execute(db).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
