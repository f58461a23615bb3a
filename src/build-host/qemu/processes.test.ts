import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { memoryOf } from './processes.ts';

test('the memory of a process is what it has touched', async () => {
  const untouched = (await memoryOf(process.pid)) ?? 0;
  assert.ok(untouched > 10 * 1024 ** 2 && untouched < 1024 ** 3, String(untouched));
  const block = Buffer.alloc(200 * 1024 ** 2, 1);
  const grown = ((await memoryOf(process.pid)) ?? 0) - untouched;
  assert.ok(grown > block.length / 2 && grown < 2 * block.length, String(grown));
});

test('a process that has ended has none', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  assert.equal(await memoryOf(child.pid ?? 0), undefined);
});
