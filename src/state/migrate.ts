import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { BuilderFault } from '../util/faults.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { Database } from './tables.ts';

/**
 * Brings the tables to what this Kiln knows. Several processes may do so at once: one works, the others wait.
 * Throws a BuilderFault when the database was written by a newer Kiln; then nothing was changed.
 */
export async function migrate(
  db: Kysely<Database>,
  migrations: Readonly<Record<string, Migration>> = MIGRATIONS,
): Promise<void> {
  await refuseNewerDatabase(db, migrations);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  throw new BuilderFault(`The database could not be migrated: ${error instanceof Error ? error.message : error}`, {
    cause: error,
    ...(failed === undefined ? {} : { where: `migration ${failed}` }),
  });
}

async function refuseNewerDatabase(
  db: Kysely<Database>,
  migrations: Readonly<Record<string, Migration>>,
): Promise<void> {
  const table = await sql<{ found: boolean }>`select to_regclass('kysely_migration') is not null as found`.execute(db);
  if (table.rows[0]?.found !== true) return;
  const done = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  const unknown = done.rows.map((row) => row.name).filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length === 0) return;
  throw new BuilderFault(`The database was made by a newer Kiln: this one does not know ${unknown.join(', ')}.`, {
    hint: 'Use the Kiln version that wrote it last, or a newer one.',
  });
}
