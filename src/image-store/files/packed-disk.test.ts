import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuilderFault } from '../../util/faults.ts';
import type { MachineImage } from '../image-store.ts';
import { openCheckpointStore } from './checkpoints.ts';
import { imageChain } from './image-chain.ts';
import { diskPath, makeLayout, packedPath } from './layout.ts';
import { exportFromPacked } from './packed-disk.ts';
import {
  captureRequest,
  fixedClock,
  importSmall,
  MIB,
  qemuImg,
  type StoreFixture,
  storeFixture,
} from './store.fixture.ts';
import { openImageStore } from './store.ts';

const never = new AbortController().signal;
const CHILD = 'ami-00000000000000001';
const GRANDCHILD = 'ami-00000000000000002';

function overlayAt(file: string, on: string, commands: readonly string[], ...size: string[]): void {
  qemuImg('create', '-q', '-f', 'qcow2', '-b', on, '-F', 'qcow2', file, ...size);
  execFileSync('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), file], {
    stdio: 'ignore',
  });
}

async function childOf(
  fixture: StoreFixture,
  parent: MachineImage,
  amiId: string,
  commands: readonly string[],
  ...size: string[]
): Promise<MachineImage> {
  const overlay = join(fixture.folder, `${amiId}.qcow2`);
  overlayAt(overlay, (await fixture.store.bootDisk(parent.amiId)).path, commands, ...size);
  return fixture.store.capture(captureRequest(amiId, overlay, parent), fixture.context);
}

/** Exports from the packed disk, or says that there was none to export from. */
async function exportPacked(fixture: StoreFixture, image: MachineImage): Promise<string | undefined> {
  const layout = await makeLayout(fixture.storeFolder);
  const file = join(fixture.folder, 'out.qcow2');
  const chain = await imageChain(layout, image);
  const done = await exportFromPacked(layout, chain, file, { signal: never, action: 'Export' });
  return done ? file : undefined;
}

/** Same content as the image, sound, without parents, and compressed. */
async function assertIsWhole(fixture: StoreFixture, file: string | undefined, image: MachineImage): Promise<void> {
  assert.ok(file !== undefined, 'it was made from the packed disk');
  const { path } = await fixture.store.bootDisk(image.amiId);
  assert.match(qemuImg('compare', '-f', 'qcow2', '-F', 'qcow2', file, path), /identical/);
  const info = JSON.parse(qemuImg('info', '--output=json', file));
  assert.equal(info['backing-filename'], undefined);
  assert.equal(info['virtual-size'], image.virtualSize);
  assert.equal(info['format-specific'].data['compression-type'], 'zstd');
  const check = JSON.parse(qemuImg('check', '--output=json', file));
  assert.deepEqual([check['check-errors'], check.leaks, check.corruptions], [0, undefined, undefined]);
  // What is random stays as it is.
  assert.ok(check['compressed-clusters'] > 0);
}

test('what lies on a packed disk is exported from it: written over, zeroed, given back, and never written', async () => {
  await using fixture = await storeFixture();
  const base = await importSmall(fixture);
  const child = await childOf(fixture, base, CHILD, [
    'write -P 65 1M 256k',
    'write -P 66 3M 64k',
    'write -z 1344k 128k',
    'discard 1536k 64k',
  ]);
  const grandchild = await childOf(fixture, child, GRANDCHILD, ['write -P 67 1088k 64k', 'write -z -u 3M 64k']);
  assert.equal(await exportPacked(fixture, grandchild), undefined, 'nothing is packed yet');
  await fixture.store.prepareExport(grandchild.amiId, never);
  await assertIsWhole(fixture, await exportPacked(fixture, grandchild), grandchild);

  const file = join(fixture.folder, 'exported.qcow2');
  await fixture.store.export(CHILD, file, 'qcow2', fixture.context);
  await assertIsWhole(fixture, file, child);
});

test('layers below the disk of an image are exported with it', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const checkpoints = await openCheckpointStore({
    ...{ folder: fixture.storeFolder, limitBytes: 1024 * MIB, minFreeBytes: 0, clock: fixedClock },
  });
  const { name, path } = await checkpoints.newLayer();
  overlayAt(path, (await fixture.store.bootDisk(parent.amiId)).path, ['write -P 65 1M 128k', 'write -P 66 2M 64k']);
  const layer = await checkpoints.sealLayer(name, { digest: parent.digest }, never);
  const overlay = join(fixture.folder, 'top.qcow2');
  overlayAt(overlay, path, ['write -P 67 1M 64k']);
  const request = { ...captureRequest(CHILD, overlay, parent), layers: [layer] };
  const image = await fixture.store.capture(request, fixture.context);
  await fixture.store.prepareExport(image.amiId, never);
  await assertIsWhole(fixture, await exportPacked(fixture, image), image);
});

test('a disk larger than the one below is exported at its size', async () => {
  await using fixture = await storeFixture();
  const base = await importSmall(fixture);
  await fixture.store.prepareExport(base.amiId, never);
  const large = await childOf(fixture, base, CHILD, ['write -P 65 9M 64k'], '10M');
  await assertIsWhole(fixture, await exportPacked(fixture, large), large);
});

test('a packed disk that is not as it was written is not used, and is made again', async () => {
  await using fixture = await storeFixture();
  const base = await importSmall(fixture);
  const child = await childOf(fixture, base, CHILD, ['write -P 65 1M 64k']);
  await fixture.store.prepareExport(base.amiId, never);
  const packed = packedPath(await makeLayout(fixture.storeFolder), base.digest);
  await utimes(packed, 1, 1);
  assert.equal(await exportPacked(fixture, child), undefined);
  await fixture.store.prepareExport(base.amiId, never);
  await assertIsWhole(fixture, await exportPacked(fixture, child), child);
});

test('an image that lies on no other is exported without its packed disk', async () => {
  await using fixture = await storeFixture();
  const base = await importSmall(fixture);
  await fixture.store.prepareExport(base.amiId, never);
  assert.equal(await exportPacked(fixture, base), undefined);
});

test('a packed disk goes with its image, and one without a disk at the next start', async () => {
  await using fixture = await storeFixture();
  const layout = await makeLayout(fixture.storeFolder);
  const base = await importSmall(fixture);
  await fixture.store.prepareExport(base.amiId, never);
  assert.equal((await readdir(layout.disks)).filter((name) => name.includes('packed')).length, 2);
  await fixture.store.remove(base.amiId);
  assert.deepEqual(await readdir(layout.disks), []);

  const other = await importSmall(fixture);
  await fixture.store.prepareExport(other.amiId, never);
  await rm(diskPath(layout, other.digest));
  await rm(join(layout.amis, `${other.amiId}.json`));
  await openImageStore({ folder: fixture.storeFolder });
  assert.deepEqual(await readdir(layout.disks), []);
});

test('packing that is broken off, or has nothing to pack, leaves nothing', async () => {
  await using fixture = await storeFixture();
  const layout = await makeLayout(fixture.storeFolder);
  const base = await importSmall(fixture);
  const before = await readdir(layout.disks);
  const signal = AbortSignal.abort(new Error('stop'));
  await assert.rejects(fixture.store.prepareExport(base.amiId, signal), /stop/);
  await fixture.store.prepareExport(GRANDCHILD, never);
  assert.deepEqual(await readdir(layout.disks), before);

  await rm(diskPath(layout, base.digest));
  await assert.rejects(fixture.store.prepareExport(base.amiId, never), BuilderFault);
});
