import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { entriesBelow, MARKER, markedProcesses, newTraces, takeTraces } from './leaks.ts';

test('a process that a test left running is found by the marker it inherited', async () => {
  const child = spawn('sleep', ['60'], { env: { ...process.env, [MARKER]: 'leak-test' }, detached: true });
  try {
    await once(child, 'spawn');
    const found = markedProcesses('leak-test');
    assert.deepEqual(
      found.map((entry) => entry.pid),
      [child.pid],
    );
    assert.match(found[0]?.command ?? '', /^sleep 60$/);
    assert.equal(markedProcesses('leak').length, 1, 'a part of the run');
    assert.deepEqual(markedProcesses('lea'), []);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  assert.deepEqual(markedProcesses('leak-test'), []);
});

test('a file that appears in a watched folder is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-leaks-'));
  try {
    const places = { checkout: import.meta.dirname, folders: [folder], ours: /./ };
    const before = takeTraces(places);
    writeFileSync(join(folder, 'forgotten'), '');
    assert.deepEqual(newTraces(before, takeTraces(places)), [`file left behind: ${join(folder, 'forgotten')}`]);
    assert.deepEqual(entriesBelow(folder), [join(folder, 'forgotten')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a new mount and a new loop device are named, old ones are not', () => {
  const before = { mounts: ['/'], loopDevices: ['loop0 /a'], files: [] };
  const now = { mounts: ['/', '/mnt/x'], loopDevices: ['loop0 /a', 'loop1 /b'], files: [] };
  assert.deepEqual(newTraces(before, now), ['mount left behind: /mnt/x', 'loop device left behind: loop1 /b']);
});
