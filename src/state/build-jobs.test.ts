import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { connectStore } from './open-store.ts';
import { insertImage } from './test-rows.ts';
import { createTestDatabase, openTestStore, silentLog, testDatabaseUrl } from './test-store.ts';
import { claimImage } from './transitions/claim-image.ts';
import { requestImageCancellation } from './transitions/request-image-cancellation.ts';
import { nextBuilds } from './workers.ts';

const here = { place: 'here', except: [], limit: 10 };

/** Counts wake-ups and lets a test wait for one more. */
function alarm() {
  let count = 0;
  let resolve = (): void => {};
  return {
    wake: (): void => {
      count++;
      resolve();
    },
    async untilMoreThan(before: number): Promise<void> {
      while (count <= before) {
        await new Promise<void>((done) => {
          resolve = done;
        });
      }
    },
  };
}

test('a build is queued by the commit of the transaction that asked for it, and not by its rollback', async () => {
  await using store = await openTestStore();
  const first = await insertImage(store.db, { build: 1 });
  const second = await insertImage(store.db, { build: 2 });
  const failing = store.db.transaction().execute(async (trx) => {
    await store.jobs.enqueue(trx, first);
    throw new Error('changed my mind');
  });
  await assert.rejects(failing, { message: 'changed my mind' });
  assert.deepEqual(await nextBuilds(store.db, here), []);
  await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, second));
  await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, first));
  const waiting = (await nextBuilds(store.db, here)).map(({ arn }) => arn);
  assert.deepEqual(waiting, [first, second], 'in the order in which they were asked for');
});

test('what was taken, was cancelled, or is for later does not wait', async () => {
  await using store = await openTestStore();
  const [taken, cancelled, later] = await Promise.all([1, 2, 3].map((build) => insertImage(store.db, { build })));
  assert.ok(taken !== undefined && cancelled !== undefined && later !== undefined);
  await store.jobs.enqueue(store.db, taken);
  await store.jobs.enqueue(store.db, cancelled);
  await store.jobs.enqueue(store.db, later, { inMs: 3_600_000 });
  assert.ok(await claimImage(store.db, { imageArn: taken, workerId: 'w', at: new Date() }));
  await requestImageCancellation(store.db, { imageArn: cancelled, at: new Date() }, store.jobs);
  assert.deepEqual(await nextBuilds(store.db, here), []);
  await store.jobs.enqueue(store.db, later, { inMs: -3_600_000 });
  assert.equal((await nextBuilds(store.db, here)).length, 1);
});

test('who listens is woken by a commit, also after the connection was lost', async () => {
  const database = await createTestDatabase();
  const url = await testDatabaseUrl(database);
  await using store = await connectStore({ connectionString: url }, silentLog);
  const arn = await insertImage(store.db);
  const bell = alarm();
  await using _listening = store.jobs.listen(bell.wake);
  await bell.untilMoreThan(0);
  await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, arn));
  await bell.untilMoreThan(1);
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'kiln queue'
    and datname = current_database()`);
  await admin.end();
  // What was queued while nobody could hear it: the new connection says that something may have been missed.
  await bell.untilMoreThan(2);
  await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, arn));
  await bell.untilMoreThan(3);
});
