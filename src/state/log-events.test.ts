import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openLog, readLog } from './log-events.ts';
import { AT } from './test-rows.ts';
import { openTestStore } from './test-store.ts';

const WEB = { group: '/aws/imagebuilder/web', stream: '1.0.0/1' };

test('lines are read in the order in which they were appended, on from any of them', async () => {
  await using store = await openTestStore();
  await using log = openLog(store.db, WEB.group, WEB.stream);
  for (let index = 0; index < 2_500; index++) {
    log.append({ at: AT, stepName: 'Apply', source: 'stdout', message: `line ${index}` });
  }
  await log.flush();
  const all = await readLog(store.db, { ...WEB, limit: 5_000 });
  assert.deepEqual(
    all.map((row) => row.message),
    Array.from({ length: 2_500 }, (_, index) => `line ${index}`),
  );
  const [first, second, third] = all;
  assert.ok(first && second && third);
  assert.deepEqual([first.step_name, first.source, first.timestamp], ['Apply', 'stdout', AT]);
  assert.deepEqual(await readLog(store.db, { ...WEB, afterId: first.id, limit: 2 }), [second, third]);
  assert.deepEqual(await readLog(store.db, { ...WEB, stream: '1.0.0/2', limit: 2 }), []);
});

test('lines arrive without a flush, and closing stores the last', async () => {
  await using store = await openTestStore();
  const log = openLog(store.db, WEB.group, WEB.stream);
  log.append({ at: AT, source: 'kiln', message: 'first' });
  let rows = await readLog(store.db, { ...WEB, limit: 10 });
  while (rows.length === 0) rows = await readLog(store.db, { ...WEB, limit: 10 });
  log.append({ at: AT, source: 'kiln', message: 'last' });
  await log.close();
  await log.close();
  log.append({ at: AT, source: 'kiln', message: 'too late' });
  await log.flush();
  const stored = await readLog(store.db, { ...WEB, limit: 10 });
  assert.deepEqual(
    stored.map((row) => row.message),
    ['first', 'last'],
  );
});

test('NUL, broken characters and monstrous lines are stored as far as they can be', async () => {
  await using store = await openTestStore();
  await using log = openLog(store.db, WEB.group, WEB.stream);
  log.append({ at: AT, source: 'console', message: 'a\0b\ud800c' });
  log.append({ at: AT, source: 'console', message: 'm'.repeat(1_000_000) });
  await log.flush();
  const [odd, long] = await readLog(store.db, { ...WEB, limit: 10 });
  assert.equal(odd?.message, 'ab\ufffdc');
  assert.match(long?.message ?? '', /^m{262144} … \(737856 more characters\)$/);
});

test('lines that the database does not take are kept until it does', async () => {
  await using store = await openTestStore();
  await using log = openLog(store.db, WEB.group, WEB.stream);
  await sql`alter table log_events rename to log_events_away`.execute(store.db);
  log.append({ at: AT, source: 'kiln', message: 'patience' });
  await assert.rejects(log.flush(), /log_events/);
  await sql`alter table log_events_away rename to log_events`.execute(store.db);
  let rows = await readLog(store.db, { ...WEB, limit: 10 });
  while (rows.length === 0) rows = await readLog(store.db, { ...WEB, limit: 10 });
  assert.equal(rows[0]?.message, 'patience');
});

test('of more lines than can be kept the oldest are dropped, and the log says how many', async () => {
  await using store = await openTestStore();
  await using log = openLog(store.db, WEB.group, WEB.stream);
  await sql`alter table log_events rename to log_events_away`.execute(store.db);
  for (let index = 0; index < 50_010; index++) log.append({ at: AT, source: 'stdout', message: `${index}` });
  await assert.rejects(log.flush());
  await sql`alter table log_events_away rename to log_events`.execute(store.db);
  await log.flush();
  const [notice, oldest] = await readLog(store.db, { ...WEB, limit: 2 });
  assert.match(notice?.message ?? '', /^10 lines were dropped here/);
  assert.equal(oldest?.message, '10');
});
