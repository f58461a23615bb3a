import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { BuildHandler } from './build-jobs.ts';
import { connectStore, type Store } from './open-store.ts';
import { startProcess } from './test-process.ts';
import { createTestDatabase, openTestStore, silentLog, testDatabaseUrl } from './test-store.ts';

/** A handler that notes what it was given and lets the test wait for a number of them. */
function recorder(work: BuildHandler = async () => {}) {
  const seen: string[] = [];
  let notify = (): void => {};
  const handler: BuildHandler = async (arn, signal) => {
    seen.push(arn);
    notify();
    await work(arn, signal);
  };
  const untilSeen = async (count: number): Promise<void> => {
    while (seen.length < count) {
      await new Promise<void>((resolve) => {
        notify = resolve;
      });
    }
  };
  return { handler, seen, untilSeen };
}

async function jobStates(store: Store): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; count: number }>`
    select state, count(*)::int as count from pgboss.job where name = 'build-image' group by state`.execute(store.db);
  return Object.fromEntries(rows.map((row) => [row.state, row.count]));
}

test('a job is queued by the commit of the transaction that asked for it, and not by its rollback', async () => {
  await using store = await openTestStore();
  const failing = store.db.transaction().execute(async (trx) => {
    await store.jobs.enqueue(trx, 'arn:rolled-back');
    throw new Error('changed my mind');
  });
  await assert.rejects(failing, { message: 'changed my mind' });
  assert.deepEqual(await jobStates(store), {});
  await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, 'arn:one'));
  assert.deepEqual(await jobStates(store), { created: 1 });
  const { handler, seen, untilSeen } = recorder();
  await using worker = await store.jobs.work(handler, { concurrency: 1 });
  await untilSeen(1);
  await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, 'arn:two'));
  await untilSeen(2);
  await worker.close();
  assert.deepEqual(seen, ['arn:one', 'arn:two']);
  assert.deepEqual(await jobStates(store), { completed: 2 });
});

test('no more builds run at once than the worker was told', async () => {
  await using store = await openTestStore();
  let running = 0;
  let most = 0;
  const { handler, untilSeen } = recorder(async () => {
    running++;
    most = Math.max(most, running);
    // Long enough for a third to come if it were let in: the others are in the queue already.
    for (let turn = 0; turn < 20; turn++) await sql`select 1`.execute(store.db);
    running--;
  });
  for (let index = 0; index < 6; index++) {
    await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, `arn:${index}`));
  }
  await using worker = await store.jobs.work(handler, { concurrency: 2 });
  await untilSeen(6);
  await worker.close();
  assert.equal(most, 2);
});

test('a build that throws is not tried again, and the worker goes on', async () => {
  await using store = await openTestStore();
  const { handler, seen, untilSeen } = recorder(async () => {
    throw new Error('a bug in the engine');
  });
  await using worker = await store.jobs.work(handler, { concurrency: 1 });
  for (const arn of ['arn:one', 'arn:two']) {
    await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, arn));
  }
  await untilSeen(2);
  await worker.close();
  assert.deepEqual(seen, ['arn:one', 'arn:two']);
  assert.deepEqual(await jobStates(store), { completed: 2 });
});

test('closing a worker aborts its builds, waits for them, and leaves the other jobs to the next', async () => {
  await using store = await openTestStore();
  let ended = false;
  const { handler, untilSeen } = recorder(async (_arn, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await sql`select pg_sleep(0.2)`.execute(store.db);
    ended = true;
  });
  await using worker = await store.jobs.work(handler, { concurrency: 1 });
  for (const arn of ['arn:one', 'arn:two']) {
    await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, arn));
  }
  await untilSeen(1);
  await worker.close();
  assert.ok(ended);
  const next = recorder();
  await using nextWorker = await store.jobs.work(next.handler, { concurrency: 1 });
  await next.untilSeen(1);
  assert.deepEqual(next.seen, ['arn:two']);
  await nextWorker.close();
});

test('the job of a worker that was killed comes to another', async () => {
  const database = await createTestDatabase();
  const url = await testDatabaseUrl(database);
  await using store = await connectStore({ connectionString: url }, silentLog);
  await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, 'arn:one'));
  await using worker = startProcess(
    {
      '{ openStore }': new URL('./open-store.ts', import.meta.url),
      '{ silentLog }': new URL('./test-log.ts', import.meta.url),
    },
    `const store = await openStore({ databaseUrl: ${JSON.stringify(url)}, log: silentLog, signal: new AbortController().signal });
     await store.jobs.work((arn) => { console.log(arn); return new Promise(() => {}); }, { concurrency: 1 });`,
  );
  assert.equal(await worker.line(), 'arn:one');
  await worker.kill();
  const { handler, untilSeen, seen } = recorder();
  await using next = await store.jobs.work(handler, { concurrency: 1 });
  await untilSeen(1);
  assert.deepEqual(seen, ['arn:one']);
  await next.close();
});
