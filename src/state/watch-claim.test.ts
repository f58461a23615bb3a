import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT, insertImage } from './test-rows.ts';
import { openTestStore } from './test-store.ts';
import { claimImage } from './transitions/claim-image.ts';
import { requestImageCancellation } from './transitions/request-image-cancellation.ts';
import { takeOverImage } from './transitions/take-over-image.ts';
import { watchClaim } from './watch-claim.ts';

const claimant = { workerId: 'here', at: AT };

/** Notes what a watch tells. */
function notes() {
  const told: string[] = [];
  return { told, watch: { onCancel: () => told.push('cancelled'), onLost: (e: Error) => told.push(e.name) } };
}

test('a watch tells once when the cancellation is asked for, also when that was before it began', async () => {
  await using store = await openTestStore();
  const imageArn = await insertImage(store.db);
  const claimed = await claimImage(store.db, { imageArn, ...claimant });
  assert.ok(claimed);
  const { told, watch } = notes();
  const watching = watchClaim(store.db, claimed.claim, watch, new AbortController().signal);
  await requestImageCancellation(store.db, { imageArn, at: AT });
  await watching;
  assert.deepEqual(told, ['cancelled']);
  await watchClaim(store.db, claimed.claim, watch, new AbortController().signal);
  assert.deepEqual(told, ['cancelled', 'cancelled']);
});

test('a watch tells that somebody else has the image', async () => {
  await using store = await openTestStore();
  const imageArn = await insertImage(store.db);
  const claimed = await claimImage(store.db, { imageArn, ...claimant });
  assert.ok(claimed);
  const { told, watch } = notes();
  const watching = watchClaim(store.db, claimed.claim, watch, new AbortController().signal);
  await store.jobs.enqueue(store.db, imageArn);
  await takeOverImage(store.db, { imageArn, workerId: 'there' });
  await watching;
  assert.deepEqual(told, ['ClaimLostError']);
});

test('a watch ends with its signal and then tells nothing', async () => {
  await using store = await openTestStore();
  const imageArn = await insertImage(store.db);
  const claimed = await claimImage(store.db, { imageArn, ...claimant });
  assert.ok(claimed);
  const { told, watch } = notes();
  const ended = new AbortController();
  const watching = watchClaim(store.db, claimed.claim, watch, ended.signal);
  ended.abort();
  await watching;
  assert.deepEqual(told, []);
});

test('the claim of an image whose row was deleted is over', async () => {
  await using store = await openTestStore();
  const { told, watch } = notes();
  await watchClaim(store.db, { imageArn: 'arn:gone', epoch: 1 }, watch, new AbortController().signal);
  assert.deepEqual(told, ['ClaimLostError']);
});
