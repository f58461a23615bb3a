import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './make-folder.ts';

test('a folder is made with those that it lies in, once, however many make it at a time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-make-folder-'));
  try {
    const path = join(folder, 'a/b/c');
    const made = await Promise.all(Array.from({ length: 8 }, () => makeFolder(path, 0o700)));
    assert.ok(made.includes(true));
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal(await makeFolder(path, 0o700), false);
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(makeFolder(join(folder, 'file'), 0o700), { code: 'EEXIST' });
    await assert.rejects(makeFolder(join(folder, 'file/x'), 0o700), { code: 'EEXIST' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('where no folder can be, it ends', { timeout: 10_000 }, async () => {
  await assert.rejects(makeFolder('/proc/x', 0o700), { code: 'ENOENT' });
  await assert.rejects(makeFolder('/proc/x/y', 0o700), { code: 'ENOENT' });
});
