import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedCheckpoints } from '../simulated/simulated-checkpoints.ts';
import { hasCheckpointForRetry } from './checkpoint-for-retry.ts';

const KEY = 'a'.repeat(64);
const image = {
  arn: 'arn:image/x/1.0.0/2',
  tags: {},
  infrastructure_configuration: {},
  build_type: 'USER_INITIATED',
} as const;

/** A store with one checkpoint, which this image's build left. */
async function left(by: string) {
  const store = simulatedCheckpoints('/nowhere');
  const checkpoint = { key: KEY, parentAmiId: 'ami-1', layers: [], facts: { components: [], image: by } };
  await store.put(checkpoint, new AbortController().signal);
  return store;
}

test('what the build left itself is there for it, whatever its steps noted and its tags say', async () => {
  const store = await left(image.arn);
  assert.equal(await hasCheckpointForRetry(store, image, []), true);
  assert.equal(await hasCheckpointForRetry(store, { ...image, tags: { 'kiln:cache': 'never' } }, []), true);
  assert.equal(await hasCheckpointForRetry(store, { ...image, build_type: 'SCHEDULED' }, []), true);
});

test('what another build left is, when the disk went through it and the build may take it over', async () => {
  const store = await left('arn:image/x/1.0.0/1');
  assert.equal(await hasCheckpointForRetry(store, image, [KEY]), true);
  assert.equal(await hasCheckpointForRetry(store, image, ['b'.repeat(64)]), false);
  assert.equal(await hasCheckpointForRetry(store, image, []), false);
  assert.equal(await hasCheckpointForRetry(store, { ...image, build_type: 'SCHEDULED' }, [KEY]), false);
  const infrastructure = { tags: { 'kiln:cache': 'never' } };
  const never = { ...image, infrastructure_configuration: infrastructure };
  assert.equal(await hasCheckpointForRetry(store, never, [KEY]), false);
});
