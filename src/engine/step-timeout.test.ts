import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pause, withTimeout } from './step-timeout.ts';

const never = new AbortController().signal;
const late = (): Error => new Error('late');

/** Work that ends only by its signal, and then with an error of its own. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('mine')), { once: true }));
}

test('what is done in time gives its result', async () => {
  assert.equal(await withTimeout(60, never, late, async () => 7), 7);
});

test('what fails in time fails with its own error', async () => {
  await assert.rejects(
    withTimeout(60, never, late, () => Promise.reject(new Error('mine'))),
    /mine/,
  );
});

test('what takes too long fails with the reason given, whatever its own error', async () => {
  await assert.rejects(withTimeout(0.01, never, late, untilAborted), /late/);
});

test('an outer abort ends the work with the outer reason, also before it began', async () => {
  const outer = new AbortController();
  const work = withTimeout(60, outer.signal, late, untilAborted);
  outer.abort(new Error('cancelled'));
  await assert.rejects(work, /cancelled/);
  await assert.rejects(withTimeout(60, outer.signal, late, untilAborted), /cancelled/);
});

test('a pause ends with the reason of an abort', async () => {
  const outer = new AbortController();
  const paused = pause(60, outer.signal);
  outer.abort(new Error('cancelled'));
  await assert.rejects(paused, /cancelled/);
  await pause(0, outer.signal);
});
