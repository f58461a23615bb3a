import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MIB, qemuImg, writeRawDisk } from './store.fixture.ts';
import { openImageStore } from './store.ts';

/** Undefined when this machine can show it. */
function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can mount';
  try {
    execFileSync('modprobe', ['btrfs'], { stdio: 'ignore' });
  } catch {
    // It may be built in.
  }
  return /\bbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8')) ? undefined : 'the kernel has no btrfs';
}

test('where the file system can, disks are taken over without a copy of their blocks, also from where no link leads', {
  skip: whyNot() ?? false,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-reflink-'));
  const mount = join(folder, 'mount');
  await mkdir(mount);
  t.after(async () => {
    // Nothing is mounted when that has failed.
    spawnSync('umount', [mount]);
    await rm(folder, { recursive: true });
  });
  const image = join(folder, 'btrfs');
  await writeFile(image, '');
  await truncate(image, 256 * MIB);
  execFileSync('mkfs.btrfs', ['--quiet', '--mixed', image]);
  execFileSync('mount', ['-o', 'loop', image, mount]);
  // Two subvolumes: a link from one to the other is refused, as between two file systems.
  for (const name of ['store', 'instances']) execFileSync('btrfs', ['-q', 'subvolume', 'create', join(mount, name)]);
  const store = await openImageStore({ folder: join(mount, 'store') });
  const context = { signal: new AbortController().signal, monitor: { line: () => {} } };
  const base = join(folder, 'base.raw');
  await writeRawDisk(base, 64);
  const parent = await store.import({ file: base, name: 'base', platform: 'Linux', source: 'import' }, context);
  const overlay = join(mount, 'instances', 'root.qcow2');
  qemuImg('create', '-q', '-f', 'qcow2', '-b', (await store.bootDisk(parent.amiId)).path, '-F', 'qcow2', overlay);
  const pattern = join(folder, 'pattern');
  const content = randomBytes(48 * MIB);
  await writeFile(pattern, content);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -s ${pattern} 0 48M`, overlay], { stdio: 'ignore' });
  const free = async (): Promise<number> => {
    execFileSync('sync', ['-f', mount]);
    const { bavail, bsize } = await statfs(mount);
    return bavail * bsize;
  };
  // Kept by another name, so that what the capture removes gives nothing back.
  execFileSync('ln', [overlay, join(mount, 'instances', 'kept')]);
  const before = await free();
  const request = { amiId: 'ami-00000000000000001', diskPath: overlay, parentAmiId: parent.amiId, name: 'x', tags: {} };
  const captured = await store.capture({ ...request, source: 'test' }, context);
  const took = before - (await free());
  assert.ok(captured.storedSize > 48 * MIB);
  assert.ok(took < 8 * MIB, `${took} bytes for ${captured.storedSize}`);
  const { path } = await store.bootDisk(captured.amiId);
  assert.equal((await stat(path)).nlink, 1, 'it is a file of its own');
  const raw = join(folder, 'look.raw');
  qemuImg('convert', '-O', 'raw', path, raw);
  assert.ok((await readFile(raw)).subarray(0, 48 * MIB).equals(content));
});
