import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { untilBootEnds } from './boot-end.ts';

const { signal } = new AbortController();
const never = async (within: AbortSignal): Promise<void> => {
  await delay(60_000, undefined, { signal: within });
};

function recorder(within = signal) {
  const lines: string[] = [];
  return { lines, context: { signal: within, monitor: { line: (_: string, text: string) => void lines.push(text) } } };
}

test('a boot that is soon over, or of which nobody can tell, is not spoken of', async () => {
  const { lines, context } = recorder();
  let asked = 0;
  await untilBootEnds({ bootEnds: async () => void asked++ }, 60, context);
  await untilBootEnds({ bootEnds: undefined }, 60, context);
  assert.deepEqual([asked, lines], [1, []]);
});

test('one that does not end is waited for as long as it took, and one that cannot be asked not at all', async () => {
  const { lines, context } = recorder();
  await untilBootEnds({ bootEnds: never }, 0.05, context);
  await untilBootEnds({ bootEnds: () => Promise.reject(new Error('nobody answers')) }, 60, context);
  const begin = 'The boot goes on in the machine that is kept: ';
  assert.deepEqual(lines, [`${begin}it is not over after 0 s more`, `${begin}nobody answers`]);
});

test('an abort ends the wait with its reason', async () => {
  const controller = new AbortController();
  const { lines, context } = recorder(controller.signal);
  const reason = new Error('enough');
  const waiting = untilBootEnds({ bootEnds: never }, 60, context);
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.deepEqual(lines, []);
});
