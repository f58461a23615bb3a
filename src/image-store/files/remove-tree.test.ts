import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeTree } from './remove-tree.ts';

test('a folder in which something is mounted is not removed until it is unmounted', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-tree-'));
  const point = join(folder, 'a mount');
  await mkdir(point);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', point], { stdio: 'ignore' });
  } catch {
    await removeTree(folder);
    t.skip('this user may not mount');
    return;
  }
  const precious = join(point, 'precious');
  await writeFile(precious, '');
  try {
    await assert.rejects(removeTree(folder), { name: 'BuilderFault', where: point });
    await stat(precious);
  } finally {
    execFileSync('umount', [point]);
  }
  await removeTree(folder);
  await assert.rejects(stat(folder), { code: 'ENOENT' });
  await removeTree(folder);
});

test('a folder goes that somebody still puts files into for a moment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-tree-'));
  const write = async (writer: number): Promise<void> => {
    for (let number = 0; number < 100; number++) await writeFile(join(folder, `${writer}-${number}`), '');
  };
  // They fail once the folder is gone.
  const writing = Promise.allSettled([1, 2].map(write));
  await removeTree(folder);
  await writing;
  await assert.rejects(stat(folder), { code: 'ENOENT' });
});
