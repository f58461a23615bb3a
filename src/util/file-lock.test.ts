import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFile } from './file-lock.ts';

const never = new AbortController().signal;

async function withFile(use: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-lock-'));
  try {
    await use(join(folder, 'lock'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a second holder waits until the first lets go, and says that it waits', () =>
  withFile(async (file) => {
    const order: string[] = [];
    const first = await lockFile(file, never);
    const waiting = Promise.withResolvers<void>();
    const second = lockFile(file, never, waiting.resolve).then((lock) => {
      order.push('second');
      return lock;
    });
    await waiting.promise;
    order.push('first lets go');
    await first.release();
    await (await second).release();
    assert.deepEqual(order, ['first lets go', 'second']);
  }));

test('waiting ends when it is aborted, and the lock stays with its holder', () =>
  withFile(async (file) => {
    await using _first = await lockFile(file, never);
    const stop = new AbortController();
    const waiting = lockFile(file, stop.signal, () => stop.abort(new Error('enough')));
    await assert.rejects(waiting, { message: 'enough' });
  }));

test('a lock may be released twice', () =>
  withFile(async (file) => {
    const lock = await lockFile(file, never);
    await lock.release();
    await lock.release();
    await (await lockFile(file, never)).release();
  }));
