import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { nameOfThisProcess } from '../../util/process-identity.ts';
import {
  captureRequest,
  importSmall,
  MIB,
  qemuImg,
  type StoreFixture,
  storeFixture,
  writeOverlay,
} from './store.fixture.ts';
import { openImageStore } from './store.ts';

const CHILD = 'ami-00000000000000001';
const GRANDCHILD = 'ami-00000000000000002';

test('a captured overlay boots with its parent below it, and the instance has no disk any more', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const overlay = await writeOverlay(fixture, parent, 'child ');
  const child = await fixture.store.capture(captureRequest(CHILD, overlay, parent), fixture.context);

  assert.equal(child.amiId, CHILD);
  assert.equal(child.parentAmiId, parent.amiId);
  assert.equal(child.osVersion, 'Test 1');
  assert.equal(child.virtualSize, 4 * MIB);
  assert.ok(child.storedSize < parent.storedSize, 'only what differs is stored');
  assert.deepEqual(await fixture.store.get(CHILD), child);
  await assert.rejects(stat(overlay), { code: 'ENOENT' });

  const disk = await fixture.store.bootDisk(CHILD);
  assert.equal(disk.format, 'qcow2');
  assert.match(qemuImg('info', '--backing-chain', disk.path), new RegExp(parent.digest));
  const raw = join(fixture.folder, 'out.raw');
  await fixture.store.export(CHILD, raw, 'raw', fixture.context);
  assert.equal((await readFile(raw)).toString('latin1', 2 * MIB, 2 * MIB + 11), 'child child');
});

test('disks are read-only and the folders of the store are private', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const { path } = await fixture.store.bootDisk(image.amiId);
  assert.equal((await stat(path)).mode & 0o777, 0o444);
  for (const name of await readdir(fixture.storeFolder)) {
    assert.equal((await stat(join(fixture.storeFolder, name))).mode & 0o777, 0o700, name);
  }
});

test('a store that was moved still finds parents', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  await fixture.store.capture(captureRequest(CHILD, await writeOverlay(fixture, parent, 'x'), parent), fixture.context);
  const moved = join(fixture.folder, 'moved');
  await rename(fixture.storeFolder, moved);
  const store = await openImageStore({ folder: moved });
  await store.export(CHILD, join(fixture.folder, 'out.qcow2'), 'qcow2', fixture.context);
});

test('a capture repeated with the same AMI id gives the same image', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const request = captureRequest(CHILD, await writeOverlay(fixture, parent, 'x'), parent);
  const first = await fixture.store.capture(request, fixture.context);
  assert.deepEqual(await fixture.store.capture(request, fixture.context), first);
});

test('a capture that was killed before its record was written can be repeated', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const overlay = await writeOverlay(fixture, parent, 'x');
  // As far as a killed one can come: the overlay knows its parent by name, is read-only, and has a name in the store.
  qemuImg('rebase', '-u', '-f', 'qcow2', '-b', `${parent.digest}.qcow2`, '-F', 'qcow2', overlay);
  await chmod(overlay, 0o444);
  const child = await fixture.store.capture(captureRequest(CHILD, overlay, parent), fixture.context);
  assert.equal(child.parentAmiId, parent.amiId);
});

test('an overlay on something else than the parent is refused', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture, 'one');
  const other = await importSmall(fixture, 'two');
  const overlay = await writeOverlay(fixture, other, 'x');
  await assert.rejects(fixture.store.capture(captureRequest(CHILD, overlay, parent), fixture.context), {
    name: 'BuilderFault',
    message: new RegExp(`not an overlay on ${parent.amiId}`),
  });
  assert.equal(await fixture.store.get(CHILD), undefined);
  await stat(overlay);
});

test('a capture whose parent is gone names it and makes nothing', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const overlay = await writeOverlay(fixture, parent, 'x');
  await fixture.store.remove(parent.amiId);
  await assert.rejects(fixture.store.capture(captureRequest(CHILD, overlay, parent), fixture.context), {
    message: new RegExp(parent.amiId),
  });
  assert.deepEqual(await fixture.store.list(), []);
});

for (const [damage, message, spoil] of [
  ['missing', /is missing/, (file: string) => rm(file)],
  ['corrupt', /is corrupt: its sha256 should be [0-9a-f]{64} and is [0-9a-f]{64}/, flipByte],
  ['truncated', /is corrupt/, (file: string) => writeFile(file, 'QFI')],
] as const) {
  test(`a disk that is ${damage} is named with its image, its file and what to do`, async () => {
    await using fixture = await storeFixture();
    const { parent, parentDisk } = await parentAndChild(fixture);
    await chmod(parentDisk, 0o600);
    await spoil(parentDisk);
    for (const use of [
      (): Promise<unknown> => fixture.store.bootDisk(parent.amiId),
      () => fixture.store.bootDisk(CHILD),
      () => fixture.store.export(CHILD, join(fixture.folder, 'out.raw'), 'raw', fixture.context),
    ]) {
      const error = await use().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof BuilderFault);
      assert.match(error.message, message);
      assert.match(error.message, new RegExp(parent.amiId));
      assert.equal(error.where, parentDisk);
      assert.match(error.hint ?? '', /kiln rm/);
    }
    await assert.rejects(stat(join(fixture.folder, 'out.raw')), { code: 'ENOENT' });
  });
}

test('what to do about a spoilt disk can be done: what is built on it goes first', async () => {
  await using fixture = await storeFixture();
  const { parent, parentDisk } = await parentAndChild(fixture);
  const child = await fixture.store.get(CHILD);
  assert.ok(child);
  const overlay = await writeOverlay(fixture, child, 'grandchild');
  await fixture.store.capture({ ...captureRequest(GRANDCHILD, overlay, child), source: 'import' }, fixture.context);
  await chmod(parentDisk, 0o600);
  await flipByte(parentDisk);
  const error = await fixture.store.bootDisk(parent.amiId).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof BuilderFault);
  const named = [...(error.hint ?? '').matchAll(/kiln rm ([^ ,)]+)/g)].map(([, image]) => image);
  assert.deepEqual(named, [GRANDCHILD, child.source, parent.amiId]);
  for (const amiId of [GRANDCHILD, CHILD, parent.amiId]) await fixture.store.remove(amiId);
  assert.deepEqual(await fixture.store.list(), []);
});

test('a disk that was only touched is read again and accepted', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const { path } = await fixture.store.bootDisk(image.amiId);
  await utimes(path, new Date(0), new Date(0));
  assert.deepEqual(await fixture.store.bootDisk(image.amiId), { path, format: 'qcow2' });
});

test('importing a corrupt disk again mends it', async () => {
  await using fixture = await storeFixture();
  const file = join(fixture.folder, 'base.raw');
  const image = await importSmall(fixture);
  const { path } = await fixture.store.bootDisk(image.amiId);
  await chmod(path, 0o600);
  await flipByte(path);
  await assert.rejects(fixture.store.bootDisk(image.amiId));
  const again = await fixture.store.import(
    { file, name: 'again', platform: 'Linux', source: 'import' },
    fixture.context,
  );
  assert.equal(again.digest, image.digest);
  await fixture.store.bootDisk(image.amiId);
});

test('an unknown image is refused by name', async () => {
  await using fixture = await storeFixture();
  await assert.rejects(fixture.store.bootDisk('ami-fffffffffffffffff'), { message: /ami-fffffffffffffffff/ });
  assert.equal(await fixture.store.get('../../../etc/passwd'), undefined);
  await fixture.store.remove('../../../etc/passwd');
});

test('an image on which others are built cannot be removed until they are', async () => {
  await using fixture = await storeFixture();
  const { parent, parentDisk } = await parentAndChild(fixture);
  await assert.rejects(fixture.store.remove(parent.amiId), {
    name: 'BuilderFault',
    message: new RegExp(`${CHILD} \\(child\\)`),
  });
  await fixture.store.remove(CHILD);
  await fixture.store.remove(parent.amiId);
  assert.deepEqual(await fixture.store.list(), []);
  await assert.rejects(stat(parentDisk), { code: 'ENOENT' });
  await fixture.store.remove(parent.amiId);
});

test('a disk that two images share goes with the second', async () => {
  await using fixture = await storeFixture();
  const first = await importSmall(fixture);
  const request = {
    file: join(fixture.folder, 'base.raw'),
    name: 'again',
    platform: 'Linux',
    source: 'import',
  } as const;
  const second = await fixture.store.import(request, fixture.context);
  assert.notEqual(second.amiId, first.amiId);
  assert.equal(second.digest, first.digest);
  await fixture.store.remove(first.amiId);
  const { path } = await fixture.store.bootDisk(second.amiId);
  await fixture.store.remove(second.amiId);
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('opening the store removes what killed processes left, and nothing of running ones', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const at = (...names: string[]): string => join(fixture.storeFolder, ...names);
  const dead = '999999999-1-0123456789ab';
  await mkdir(at('temporary', dead));
  await writeFile(at('temporary', dead, 'disk.qcow2'), 'half');
  await writeFile(at('amis', `ami-00000000000000009.json.${dead}.partial`), '{');
  await writeFile(at('disks', `${'ab'.repeat(32)}.qcow2`), 'a disk without a record');
  await writeFile(at('disks', `${'ab'.repeat(32)}.verified.json`), '{}');
  const alive = await nameOfThisProcess();
  await mkdir(at('temporary', alive));

  const store = await openImageStore({ folder: fixture.storeFolder });
  assert.deepEqual(await readdir(at('temporary')), [alive]);
  assert.deepEqual(await readdir(at('amis')), [`${image.amiId}.json`]);
  assert.deepEqual((await readdir(at('disks'))).sort(), [`${image.digest}.qcow2`, `${image.digest}.verified.json`]);
  assert.deepEqual(await store.list(), [image]);
});

test('a record that cannot be read is named and no disk is removed for it', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const record = join(fixture.storeFolder, 'amis', `${image.amiId}.json`);
  await writeFile(record, '{"recordVersion": 99}');
  await assert.rejects(openImageStore({ folder: fixture.storeFolder }), {
    name: 'BuilderFault',
    message: /version is 99/,
  });
  await stat(join(fixture.storeFolder, 'disks', `${image.digest}.qcow2`));
});

test('two processes that change one store wait for each other', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const held = await lockFile(join(fixture.storeFolder, 'locks', 'store.lock'), fixture.context.signal);
  const removal = fixture.store.remove(image.amiId);
  await setTimeoutTurns();
  assert.ok(await fixture.store.get(image.amiId));
  await held.release();
  await removal;
  assert.equal(await fixture.store.get(image.amiId), undefined);
});

test('grandchildren boot through the whole chain', async () => {
  await using fixture = await storeFixture();
  const { parent } = await parentAndChild(fixture);
  const child = await fixture.store.get(CHILD);
  assert.ok(child);
  const overlay = await writeOverlay(fixture, child, 'again');
  await fixture.store.capture(captureRequest(GRANDCHILD, overlay, child), fixture.context);
  const { path } = await fixture.store.bootDisk(GRANDCHILD);
  assert.match(qemuImg('info', '--backing-chain', path), new RegExp(`${child.digest}[^]*${parent.digest}`));
});

async function parentAndChild(fixture: StoreFixture) {
  const parent = await importSmall(fixture);
  const overlay = await writeOverlay(fixture, parent, 'x');
  await fixture.store.capture(captureRequest(CHILD, overlay, parent), fixture.context);
  return { parent, parentDisk: (await fixture.store.bootDisk(parent.amiId)).path };
}

async function flipByte(file: string): Promise<void> {
  const content = await readFile(file);
  const last = content.length - 1;
  content[last] = (content[last] ?? 0) ^ 1;
  await writeFile(file, content);
}

/** Lets everything that can go on without the lock go on. */
async function setTimeoutTurns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}
