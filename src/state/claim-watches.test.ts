import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kysely, KyselyPlugin } from 'kysely';
import { claimWatches } from './claim-watches.ts';
import type { Store } from './open-store.ts';
import type { Database } from './tables.ts';
import { AT, insertImage } from './test-rows.ts';
import { openTestStore } from './test-store.ts';
import type { ImageClaim } from './transitions/claim.ts';
import { claimImage } from './transitions/claim-image.ts';
import { requestImageCancellation } from './transitions/request-image-cancellation.ts';
import { takeOverImage } from './transitions/take-over-image.ts';

const claimant = { workerId: 'here', at: AT };

interface ClaimedImage {
  readonly imageArn: string;
  readonly claim: ImageClaim;
}

async function claimedImage({ db }: Store, slug?: string): Promise<ClaimedImage> {
  const imageArn = await insertImage(db, slug === undefined ? {} : { slug });
  const claimed = await claimImage(db, { imageArn, ...claimant });
  assert.ok(claimed);
  return { imageArn, claim: claimed.claim };
}

/** Notes what a watch tells. */
function notes() {
  const told: string[] = [];
  return { told, watch: { onCancel: () => told.push('cancelled'), onLost: (e: Error) => told.push(e.name) } };
}

test('a watch tells once when the cancellation is asked for, also when that was before it began', async () => {
  await using store = await openTestStore();
  const { imageArn, claim } = await claimedImage(store);
  const { told, watch } = notes();
  const watching = claimWatches(store.db).watch(claim, watch, new AbortController().signal);
  await requestImageCancellation(store.db, { imageArn, at: AT }, store.jobs);
  await watching;
  assert.deepEqual(told, ['cancelled']);
  await claimWatches(store.db).watch(claim, watch, new AbortController().signal);
  assert.deepEqual(told, ['cancelled', 'cancelled']);
});

test('a watch tells that somebody else has the image', async () => {
  await using store = await openTestStore();
  const { imageArn, claim } = await claimedImage(store);
  const { told, watch } = notes();
  const watching = claimWatches(store.db).watch(claim, watch, new AbortController().signal);
  await store.jobs.enqueue(store.db, imageArn);
  await takeOverImage(store.db, { imageArn, workerId: 'there' });
  await watching;
  assert.deepEqual(told, ['ClaimLostError']);
});

test('a watch ends with its signal and then tells nothing', async () => {
  await using store = await openTestStore();
  const { claim } = await claimedImage(store);
  const { told, watch } = notes();
  const ended = new AbortController();
  const watching = claimWatches(store.db).watch(claim, watch, ended.signal);
  ended.abort();
  await watching;
  assert.deepEqual(told, []);
});

test('the claim of an image whose row was deleted is over', async () => {
  await using store = await openTestStore();
  const { told, watch } = notes();
  await claimWatches(store.db).watch({ imageArn: 'arn:gone', epoch: 1 }, watch, new AbortController().signal);
  assert.deepEqual(told, ['ClaimLostError']);
});

/** A database that counts what it is asked, and may be away. */
function counted(db: Kysely<Database>, isAway: () => boolean = () => false) {
  const asked: string[] = [];
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      asked.push(node.kind);
      if (isAway()) throw new Error('connection terminated');
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return { asked, db: db.withPlugin(plugin) };
}

test('the claims of all builds of a process are looked at with one query', async () => {
  await using store = await openTestStore();
  const { asked, db } = counted(store.db);
  const watches = claimWatches(db);
  const { told, watch } = notes();
  const claimed = await Promise.all(Array.from({ length: 10 }, (_, index) => claimedImage(store, `i${index}`)));
  for (const { imageArn } of claimed) await requestImageCancellation(store.db, { imageArn, at: AT }, store.jobs);
  const never = new AbortController().signal;
  await Promise.all(claimed.map(({ claim }) => watches.watch(claim, watch, never)));
  assert.deepEqual(told, Array(10).fill('cancelled'));
  assert.deepEqual(asked, ['SelectQueryNode']);
});

test('of several builds each is told its own; those that go on are watched further', async () => {
  await using store = await openTestStore();
  const watches = claimWatches(store.db);
  const one = notes();
  const other = notes();
  const [first, second] = await Promise.all([claimedImage(store, 'a'), claimedImage(store, 'b')]);
  const never = new AbortController().signal;
  const watchingFirst = watches.watch(first.claim, one.watch, never);
  const watchingSecond = watches.watch(second.claim, other.watch, never);
  await requestImageCancellation(store.db, { imageArn: first.imageArn, at: AT }, store.jobs);
  await watchingFirst;
  assert.deepEqual([one.told, other.told], [['cancelled'], []]);
  await store.jobs.enqueue(store.db, second.imageArn);
  await takeOverImage(store.db, { imageArn: second.imageArn, workerId: 'there' });
  await watchingSecond;
  assert.deepEqual([one.told, other.told], [['cancelled'], ['ClaimLostError']]);
});

test('a claim that was lost to this very process is lost, and the new one is not', async () => {
  await using store = await openTestStore();
  const watches = claimWatches(store.db);
  const old = notes();
  const now = notes();
  const { imageArn, claim } = await claimedImage(store);
  await store.jobs.enqueue(store.db, imageArn);
  const again = await takeOverImage(store.db, { imageArn, ...claimant });
  assert.ok(again);
  const ended = new AbortController();
  const watching = watches.watch(again.claim, now.watch, ended.signal);
  await watches.watch(claim, old.watch, new AbortController().signal);
  assert.deepEqual([old.told, now.told], [['ClaimLostError'], []]);
  ended.abort();
  await watching;
});

test('a database that is away ends no watch and tells nothing', async () => {
  await using store = await openTestStore();
  let failures = 3;
  const { asked, db } = counted(store.db, () => failures-- > 0);
  const { told, watch } = notes();
  const { imageArn, claim } = await claimedImage(store);
  await requestImageCancellation(store.db, { imageArn, at: AT }, store.jobs);
  await claimWatches(db).watch(claim, watch, new AbortController().signal);
  assert.deepEqual(told, ['cancelled']);
  assert.equal(asked.length, 4);
});
