import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { findImage } from './find-resource.ts';
import type { Store } from './open-store.ts';
import type { ImageStatus } from './tables.ts';
import { insertImage } from './test-rows.ts';
import { openTestStore } from './test-store.ts';
import { claimImage } from './transitions/claim-image.ts';
import { setImageStatus } from './transitions/set-image-status.ts';
import { takeOverImage } from './transitions/take-over-image.ts';
import { aliveCapacities, beat, nextBuilds, releaseLostBuilds, removeWorker, workersOf } from './workers.ts';

const capacity = { builds: 1, vcpus: 2, memoryMiB: 4096, diskMiB: 10_000 };
const nobody = { workerId: 'w-none', running: [] };

/** As if the worker's last heartbeat was so many seconds ago. */
async function silence(store: Store, id: string, seconds: number): Promise<void> {
  await sql`update workers set heartbeat_at = now() - ${`${seconds} seconds`}::interval where id = ${id}`.execute(
    store.db,
  );
}

function worker(id: string, place = 'here') {
  return { id, place, capacity };
}

async function building(store: Store, workerId: string, build: number, place = 'here'): Promise<string> {
  const imageArn = await insertImage(store.db, { build });
  const claimed = await claimImage(store.db, { imageArn, workerId, place, at: new Date() });
  assert.ok(claimed);
  await setImageStatus(store.db, claimed.claim, 'BUILDING', new Date());
  return imageArn;
}

test('builds of a worker that is silent for too long are queued again, and its claims are over', async () => {
  await using store = await openTestStore();
  await beat(store.db, worker('w-1'));
  await beat(store.db, worker('w-2'));
  const lost = await building(store, 'w-1', 1);
  const alive = await building(store, 'w-2', 2);
  assert.deepEqual(await releaseLostBuilds(store.db, nobody), []);
  await silence(store, 'w-1', 12);
  const before = await findImage(store.db, lost);
  assert.deepEqual(await releaseLostBuilds(store.db, nobody), [lost]);
  assert.deepEqual(await releaseLostBuilds(store.db, nobody), [], 'once');
  const old = { imageArn: lost, epoch: before?.epoch ?? 0 };
  await assert.rejects(setImageStatus(store.db, old, 'TESTING', new Date()), { name: 'ClaimLostError' });
  const taken = await takeOverImage(store.db, { imageArn: lost, workerId: 'w-2', place: 'here' });
  assert.deepEqual(taken?.predecessors, [{ workerId: 'w-1', place: 'here' }]);
  assert.equal(taken?.image.status, 'BUILDING');
  assert.equal(await takeOverImage(store.db, { imageArn: lost, workerId: 'w-3' }), undefined, 'one gets it');
  assert.equal((await findImage(store.db, alive))?.worker_id, 'w-2');
});

test('a worker that comes back is told that it was taken for lost', async () => {
  await using store = await openTestStore();
  assert.equal(await beat(store.db, worker('w-1')), false);
  assert.equal(await beat(store.db, worker('w-1')), false);
  await silence(store, 'w-1', 12);
  assert.deepEqual(await aliveCapacities(store.db), []);
  assert.equal(await beat(store.db, worker('w-1')), true);
  assert.deepEqual(await aliveCapacities(store.db), [capacity]);
});

test('only builds that are on are given back: what ended, waits or is parked stays', async () => {
  await using store = await openTestStore();
  const statuses: readonly ImageStatus[] = ['PENDING', 'AVAILABLE', 'FAILED', 'CANCELLED', 'CREATING', 'TESTING'];
  for (const [index, status] of statuses.entries()) {
    await insertImage(store.db, { build: index + 1, status, worker_id: 'w-gone', epoch: 1 });
  }
  await insertImage(store.db, { build: 50, status: 'TESTING', worker_id: null, parked_until: new Date() });
  assert.equal((await releaseLostBuilds(store.db, nobody)).length, 2);
});

test('a worker gives back what it has claimed and does not run', async () => {
  await using store = await openTestStore();
  await beat(store.db, worker('w-1'));
  const dropped = await building(store, 'w-1', 1);
  const runs = await building(store, 'w-1', 2);
  assert.deepEqual(await releaseLostBuilds(store.db, { workerId: 'w-1', running: [runs] }), [dropped]);
});

test('a build waits for a worker of the place where its instances are, as long as one is alive', async () => {
  await using store = await openTestStore();
  await beat(store.db, worker('w-1', 'here'));
  await beat(store.db, worker('w-2', 'there'));
  const arn = await building(store, 'w-1', 1, 'here');
  await removeWorker(store.db, 'w-1');
  await beat(store.db, worker('w-3', 'here'));
  await releaseLostBuilds(store.db, nobody);
  const arns = async (place: string) => (await nextBuilds(store.db, { place, except: [], limit: 5 })).map((i) => i.arn);
  assert.deepEqual([await arns('there'), await arns('here')], [[], [arn]]);
  assert.deepEqual(await workersOf(store.db, 'here'), ['w-3']);
  await silence(store, 'w-3', 12);
  assert.deepEqual(await arns('there'), [arn]);
});

test('a build whose row a frozen process holds does not hold up the others', async () => {
  await using store = await openTestStore();
  const held = await building(store, 'w-gone', 1);
  const free = await building(store, 'w-gone', 2);
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
  const { promise: frozen, resolve: freeze } = Promise.withResolvers<void>();
  const holding = store.db.transaction().execute(async (trx) => {
    await trx.selectFrom('images').select('arn').where('arn', '=', held).forUpdate().execute();
    freeze();
    await thawed;
  });
  await frozen;
  assert.deepEqual(await releaseLostBuilds(store.db, nobody), [free]);
  thaw();
  await holding;
  assert.deepEqual(await releaseLostBuilds(store.db, nobody), [held]);
});
