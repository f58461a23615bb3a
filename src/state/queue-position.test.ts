import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findImage } from './find-resource.ts';
import { AT_ONCE } from './parked.ts';
import { withQueuePosition } from './queue-position.ts';
import { insertImage } from './test-rows.ts';
import { openTestStore } from './test-store.ts';
import { beat } from './workers.ts';

test('images that wait for a worker say which number they are, and whether there is a worker at all', async () => {
  await using store = await openTestStore();
  const { db } = store;
  const queued_from = new Date(Date.now() - 1000);
  const parked_until = new Date(Date.now() + 60_000);
  const arns = [
    await insertImage(db, { build: 1, queued_from }),
    await insertImage(db, { build: 2, status: 'BUILDING', worker_id: 'w' }),
    await insertImage(db, { build: 3, status: 'FAILED', reason: 'broken', queued_from }),
    await insertImage(db, { build: 4, queued_from }),
    await insertImage(db, { build: 5, status: 'TESTING', queued_from: parked_until, parked_until }),
    await insertImage(db, { build: 6, status: 'TESTING', queued_from, parked_until: AT_ONCE }),
  ];
  const reasons = async () => {
    const rows = await Promise.all(arns.map((arn) => findImage(db, arn)));
    const images = await withQueuePosition(
      db,
      rows.flatMap((row) => row ?? []),
    );
    return images.map(({ reason }) => reason);
  };
  const number = (position: number): string => `Number ${position} of the builds that wait for a worker.`;
  assert.deepEqual(await reasons(), [
    `${number(1)} No worker is running.`,
    null,
    'broken',
    `${number(2)} No worker is running.`,
    null,
    `${number(3)} No worker is running.`,
  ]);
  const capacity = { builds: 1, vcpus: 1, memoryMiB: 1, diskMiB: 1 };
  const heldMemoryMiB = 512;
  await beat(db, { id: 'w', place: 'here', capacity: { ...capacity, heldMemoryMiB } });
  assert.match(
    (await reasons())[0] ?? '',
    /^Number 1 of .* Instances that were kept, .* hold 512 MiB of its memory\.$/,
  );
  await beat(db, { id: 'w', place: 'here', capacity });
  assert.deepEqual(await reasons(), [number(1), null, 'broken', number(2), null, number(3)]);
});
