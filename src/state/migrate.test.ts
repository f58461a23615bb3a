import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { migrate } from './migrate.ts';
import { sharing } from './migrations/0003-sharing.ts';
import { MIGRATIONS } from './migrations/all.ts';
import { insertComponent, insertImage } from './test-rows.ts';
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

test('migrations have numbers that rise', () => {
  const numbers = Object.keys(MIGRATIONS).map((name) => Number(name.slice(0, 4)));
  for (const [index, number] of numbers.entries()) assert.ok(number > (numbers[index - 1] ?? 0), String(number));
});

test('policies of before sharing was enforced share with the accounts that they name', async () => {
  await using store = await openTestStore();
  const arn = await insertComponent(store.db);
  const policy = '{"Statement":{"Principal":{"AWS":["111111111111","arn:aws:iam::222222222222:user/eve"]}}}';
  await store.db.updateTable('resources').set({ policy }).execute();
  await insertImage(store.db, { name: 'web' });
  await sql`insert into log_events (log_group, log_stream, timestamp, source, message)
    values ('/aws/imagebuilder/web', '1.0.0/1', now(), 'stdout', 'hello')`.execute(store.db);
  for (const table of ['resources', 'images']) {
    await sql`alter table ${sql.table(table)} drop column shared_with`.execute(store.db);
  }
  await sharing.up(store.db);
  const row = await store.db.selectFrom('resources').selectAll().where('arn', '=', arn).executeTakeFirstOrThrow();
  assert.deepEqual(row.shared_with.sort(), ['111111111111', '222222222222']);
  const line = await store.db.selectFrom('log_events').selectAll().executeTakeFirstOrThrow();
  assert.equal(line.log_group, '123456789012:/aws/imagebuilder/web');
});
