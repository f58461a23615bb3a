import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import { openTestStore } from './test-store.ts';

const SCHEMA = sql<{ name: string }>`
  select table_name || '.' || column_name || ' ' || data_type as name from information_schema.columns
  where table_schema = 'public'
  union all select indexdef from pg_indexes where schemaname = 'public'
  union all select pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
  union all select name || timestamp from kysely_migration order by 1`;

test('migrating again changes nothing, also when several do it at once', async () => {
  await using store = await openTestStore();
  const before = (await SCHEMA.execute(store.db)).rows;
  await Promise.all([migrate(store.db), migrate(store.db), migrate(store.db)]);
  assert.deepEqual((await SCHEMA.execute(store.db)).rows, before);
});

test('a database of a newer Kiln is refused and not touched', async () => {
  await using store = await openTestStore();
  await sql`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '')`.execute(store.db);
  const before = (await SCHEMA.execute(store.db)).rows;
  await assert.rejects(migrate(store.db), { name: 'BuilderFault', message: /newer Kiln: .* 9999-from-the-future/ });
  assert.deepEqual((await SCHEMA.execute(store.db)).rows, before);
});

test('a migration that fails is named and leaves nothing behind', async () => {
  await using store = await openTestStore();
  const failing = {
    ...MIGRATIONS,
    '9998-half': {
      up: async (db: typeof store.db) => {
        await sql`create table half (id integer)`.execute(db);
        await sql`select * from nowhere`.execute(db);
      },
    },
  };
  await assert.rejects(migrate(store.db, failing), { name: 'BuilderFault', where: 'migration 9998-half' });
  const { rows } = await sql<{ found: boolean }>`select to_regclass('half') is not null as found`.execute(store.db);
  assert.equal(rows[0]?.found, false);
});

test('migrations are numbered one by one', () => {
  const numbers = Object.keys(MIGRATIONS).map((name) => Number(name.slice(0, 4)));
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});
