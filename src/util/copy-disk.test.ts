import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { copyDisk } from './copy-disk.ts';

const MIB = 2 ** 20;

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-copy-disk-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** 64 MiB, of which one is something. */
async function writeSparse(file: string): Promise<Buffer> {
  const content = randomBytes(MIB);
  const handle = await open(file, 'wx');
  await handle.write(content, 0, MIB, 30 * MIB);
  await handle.close();
  await truncate(file, 64 * MIB);
  return content;
}

test('a copy has the content, the holes, and its owner only', async (t) => {
  const folder = await folderFor(t);
  const from = join(folder, 'from');
  const content = await writeSparse(from);
  const to = join(folder, '-t');
  await copyDisk(from, to);
  const { size, blocks, mode } = await stat(to);
  assert.equal(size, 64 * MIB);
  assert.ok(blocks * 512 < 2 * MIB, `${blocks * 512} bytes`);
  assert.equal(mode & 0o077, 0);
  assert.ok((await readFile(to)).subarray(30 * MIB, 31 * MIB).equals(content));
});

test('what is there already stays, a link as well', async (t) => {
  const folder = await folderFor(t);
  const [from, to, other] = ['from', 'to', 'other'].map((name) => join(folder, name)) as [string, string, string];
  for (const file of [from, to, other]) await writeFile(file, file);
  await assert.rejects(copyDisk(from, to), { code: 'EEXIST' });
  assert.equal(await readFile(to, 'utf8'), to);
  await rm(to);
  await symlink(other, to);
  await assert.rejects(copyDisk(from, to), { code: 'EEXIST' });
  assert.equal(await readFile(other, 'utf8'), other);
});

test('a copy that fails, or is stopped, leaves nothing', async (t) => {
  const folder = await folderFor(t);
  await assert.rejects(copyDisk(join(folder, 'none'), join(folder, 'to')), /none/);
  await writeFile(join(folder, 'from'), 'x');
  const stopped = AbortSignal.abort(new Error('stop'));
  await assert.rejects(copyDisk(join(folder, 'from'), join(folder, 'to'), stopped), /stop/);
  assert.deepEqual(await readdir(folder), ['from']);
});

const onlyRoot = process.getuid?.() !== 0 && 'only root can mount';

test('to another file system holes stay holes; one that is full is told by its code', { skip: onlyRoot }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-copy-disk-'));
  const small = join(folder, 'small');
  await mkdir(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'kiln-test', small]);
  t.after(async () => {
    execFileSync('umount', [small]);
    await rm(folder, { recursive: true });
  });
  const from = join(folder, 'from');
  await writeSparse(from);
  await copyDisk(from, join(small, 'to'));
  assert.ok((await stat(join(small, 'to'))).blocks * 512 < 2 * MIB);
  await writeFile(join(folder, 'large'), randomBytes(5 * MIB));
  await assert.rejects(copyDisk(join(folder, 'large'), join(small, 'full')), { code: 'ENOSPC' });
  assert.deepEqual(await readdir(small), ['to']);
});
