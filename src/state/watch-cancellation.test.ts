import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT, insertImage } from './test-rows.ts';
import { openTestStore } from './test-store.ts';
import { claimImage } from './transitions/claim-image.ts';
import { requestImageCancellation } from './transitions/request-image-cancellation.ts';
import { watchCancellation } from './watch-cancellation.ts';

test('a watch tells once when the cancellation is asked for, also when that was before it began', async () => {
  await using store = await openTestStore();
  const imageArn = await insertImage(store.db);
  await claimImage(store.db, { imageArn, workerId: 'here', at: AT });
  let calls = 0;
  const count = (): void => {
    calls++;
  };
  const watching = watchCancellation(store.db, imageArn, count, new AbortController().signal);
  await requestImageCancellation(store.db, { imageArn, at: AT });
  await watching;
  assert.equal(calls, 1);
  await watchCancellation(store.db, imageArn, count, new AbortController().signal);
  assert.equal(calls, 2);
});

test('a watch ends with its signal and then tells nothing', async () => {
  await using store = await openTestStore();
  const imageArn = await insertImage(store.db);
  const ended = new AbortController();
  const watching = watchCancellation(store.db, imageArn, () => assert.fail('told after its end'), ended.signal);
  ended.abort();
  await watching;
});

test('the build of an image whose row was deleted is cancelled', async () => {
  await using store = await openTestStore();
  let told = false;
  await watchCancellation(store.db, 'arn:gone', () => (told = true), new AbortController().signal);
  assert.ok(told);
});
