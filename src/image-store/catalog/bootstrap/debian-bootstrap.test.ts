import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentMonitor } from '../../../util/monitor.ts';
import { PARTITION_OFFSET_BYTES, writeBootSector } from './boot-sector.ts';
import { bootstrapDebian } from './debian-bootstrap.ts';
import { findPrograms } from './programs.ts';

const source = { kind: 'debian-bootstrap', suite: 'bookworm' } as const;
const isRoot = process.getuid?.() === 0;
const needsRoot = isRoot ? false : 'a bootstrap has to be done by root';

test('a bootstrap by another user than root is refused with what to do', async () => {
  await assert.rejects(findPrograms(false), { name: 'BuilderFault', missingPrerequisite: true, hint: /sudo/ });
});

test('a mirror that cannot be reached is named, and nothing is left', { skip: needsRoot }, async () => {
  await withMachine('http://127.0.0.1:1/debian', async ({ etcApt, work }) => {
    const context = { signal: new AbortController().signal, monitor: silentMonitor };
    await assert.rejects(bootstrapDebian(source, 'x', new Date(0), work, context, { etcApt, isRoot }), (error) => {
      assert.ok(error instanceof Error);
      assert.equal(error.name, 'BuilderFault');
      assert.match(error.message, /package mirror cannot be reached: .*127\.0\.0\.1/);
      return true;
    });
    assert.ok(!(await readdir(work)).includes('root'));
  });
});

test('a bootstrap that is stopped leaves no process, no mount and no root folder', { skip: needsRoot }, async () => {
  const stop = new AbortController();
  // A mirror that takes requests and never answers: the bootstrap is in the middle of something.
  const server = createServer(() => stop.abort(new Error('the user stopped it')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`;
    await withMachine(url, async ({ etcApt, work }) => {
      const context = { signal: stop.signal, monitor: silentMonitor };
      await assert.rejects(bootstrapDebian(source, 'x', new Date(0), work, context, { etcApt, isRoot }), {
        message: 'the user stopped it',
      });
      assert.ok(!(await readdir(work)).includes('root'));
      assert.ok(!(await readFile('/proc/mounts', 'utf8')).includes(work));
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('the boot sector has GRUB, the disk’s id and one bootable partition to the end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-boot-'));
  try {
    const disk = join(folder, 'disk');
    await writeFile(disk, '');
    await truncate(disk, 8 * PARTITION_OFFSET_BYTES);
    const bootImage = Buffer.alloc(512, 0xbb);
    const coreImage = Buffer.alloc(1_500, 0xcc);
    await writeBootSector(disk, { bootImage, coreImage }, 0x1234abcd);
    const content = await readFile(disk);
    assert.ok(content.subarray(0, 440).every((byte) => byte === 0xbb));
    assert.equal(content.readUInt32LE(440), 0x1234abcd);
    assert.equal(content[446], 0x80);
    assert.equal(content[450], 0x83);
    assert.equal(content.readUInt32LE(454), 2_048);
    assert.equal(content.readUInt32LE(458), 7 * 2_048);
    assert.equal(content.readUInt16BE(510), 0x55aa);
    assert.ok(content.subarray(512, 2_012).equals(coreImage));
    const tooLarge = { bootImage, coreImage: Buffer.alloc(PARTITION_OFFSET_BYTES) };
    await assert.rejects(writeBootSector(disk, tooLarge, 0), /too large/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function withMachine(
  mirror: string,
  use: (machine: { readonly etcApt: string; readonly work: string }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bootstrap-'));
  try {
    const etcApt = join(folder, 'apt');
    const work = join(folder, 'work');
    await mkdir(work);
    await mkdir(join(etcApt, 'sources.list.d'), { recursive: true });
    const lines = [`deb ${mirror} bookworm main`, `deb ${mirror}-security bookworm-security main`];
    await writeFile(join(etcApt, 'sources.list'), `${lines.join('\n')}\n`);
    await use({ etcApt, work });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
