import { type Kysely, sql } from 'kysely';

/** Runs SQL statements one after the other; a migration is its text, not a chain of builder calls. */
export async function runStatements(db: Kysely<unknown>, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
