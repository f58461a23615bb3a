import assert from 'node:assert/strict';
import { test } from 'node:test';
import { periodically } from './periodically.ts';

const HOUR = 3_600_000;

test('work is done again after its end, never twice at once, and whatever it throws', async () => {
  let running = 0;
  let times = 0;
  const errors: unknown[] = [];
  const done = Promise.withResolvers<void>();
  await using _work = periodically(
    async () => {
      running += 1;
      assert.equal(running, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      times += 1;
      if (times === 2) throw new Error('once');
      if (times === 4) done.resolve();
    },
    { intervalMs: 1, onError: (error) => errors.push(error) },
  );
  await done.promise;
  assert.deepEqual(errors.map(String), ['Error: once']);
});

test('work is woken, also while it is being done, and ends with its last time', async () => {
  const times: number[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const work = periodically(
    async () => {
      const time = times.push(times.length) - 1;
      begun[time]?.resolve();
      await gates[time]?.promise;
    },
    { intervalMs: HOUR, onError: (error) => assert.fail(String(error)) },
  );
  await begun[0]?.promise;
  work.wake();
  work.wake();
  gates[0]?.resolve();
  await begun[1]?.promise;
  gates[1]?.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  work.wake();
  await begun[2]?.promise;
  let closed = false;
  const closing = work.close().then(() => {
    closed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(closed, false);
  gates[2]?.resolve();
  await closing;
  work.wake();
  assert.deepEqual(times, [0, 1, 2]);
});
