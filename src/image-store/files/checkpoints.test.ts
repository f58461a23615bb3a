import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuilderFault } from '../../util/faults.ts';
import type { CheckpointStore } from '../checkpoint-store.ts';
import type { DiskLayer, MachineImage } from '../image-store.ts';
import { openCheckpointStore } from './checkpoints.ts';
import {
  captureRequest,
  fixedClock,
  importSmall,
  MIB,
  qemuImg,
  type StoreFixture,
  storeFixture,
  writeOverlay,
} from './store.fixture.ts';
import { openImageStore } from './store.ts';

const GIB = 1024 * MIB;
const never = new AbortController().signal;
const keyOf = (digit: string): string => digit.repeat(64);
const CHILD = 'ami-00000000000000001';

function openCheckpoints({ storeFolder }: StoreFixture, limitBytes = GIB, minFreeBytes = 0): Promise<CheckpointStore> {
  return openCheckpointStore({ folder: storeFolder, limitBytes, minFreeBytes, clock: fixedClock });
}

/** A frozen overlay at the place of a new layer, with `text` at the second mebibyte and further on `megabytes` of it. */
async function freeze(
  fixture: StoreFixture,
  store: CheckpointStore,
  on: { readonly path: string },
  text: string,
  megabytes = 0,
): Promise<{ readonly name: string; readonly path: string }> {
  const layer = await store.newLayer();
  qemuImg('create', '-q', '-f', 'qcow2', '-b', on.path, '-F', 'qcow2', layer.path);
  const pattern = join(fixture.folder, 'pattern');
  await writeFile(pattern, Buffer.alloc(65_536, text));
  const commands = ['-c', `write -s ${pattern} 2M 64k`];
  if (megabytes > 0) commands.push('-c', `write -s ${pattern} 3M ${megabytes * 64}k`);
  execFileSync('qemu-io', ['-f', 'qcow2', ...commands, layer.path], { stdio: 'ignore' });
  return layer;
}

/** So many layers, one on the other. The caller discards them. */
async function freezeMany(
  fixture: StoreFixture,
  store: CheckpointStore,
  parent: MachineImage,
  count: number,
): Promise<readonly { readonly layer: DiskLayer; readonly path: string }[]> {
  const frozen: { layer: DiskLayer; path: string }[] = [];
  for (let index = 0; index < count; index++) {
    const below = frozen.at(-1);
    const on = below ?? (await fixture.store.bootDisk(parent.amiId));
    const { name, path } = await freeze(fixture, store, on, `text${index}`, index === 0 ? 1 : 0);
    const base = below === undefined ? { digest: parent.digest } : { layer: below.layer.name };
    frozen.push({ layer: await store.sealLayer(name, base, never), path });
  }
  return frozen;
}

async function putOn(
  fixture: StoreFixture,
  store: CheckpointStore,
  parent: MachineImage,
  key: string,
  text: string,
): Promise<DiskLayer> {
  const disk = await fixture.store.bootDisk(parent.amiId);
  const { name } = await freeze(fixture, store, disk, text, 4);
  const layer = await store.sealLayer(name, { digest: parent.digest }, never);
  await store.put({ key, parentAmiId: parent.amiId, layers: [layer], facts: { text } }, never);
  await store.discardLayers([name]);
  return layer;
}

/** What a guest would read at the second mebibyte. */
async function textAt(fixture: StoreFixture, path: string): Promise<string> {
  const raw = join(fixture.folder, 'look.raw');
  qemuImg('convert', '-O', 'raw', path, raw);
  return (await readFile(raw)).toString('latin1', 2 * MIB, 2 * MIB + 5);
}

test('a checkpoint is found again, with its facts and the disk as it was, in a store that was moved as well', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  assert.equal(await store.get(keyOf('a')), undefined);
  await putOn(fixture, store, parent, keyOf('a'), 'first');
  const found = await store.get(keyOf('a'));
  assert.deepEqual(found?.facts, { text: 'first' });

  const opened = await store.open(keyOf('a'), never);
  assert.equal(await textAt(fixture, opened.path), 'first');
  assert.equal((await stat(opened.path)).mode & 0o777, 0o444);
  await opened.release();

  const moved = join(fixture.folder, 'moved');
  await rename(fixture.storeFolder, moved);
  const there = await openCheckpointStore({ folder: moved, limitBytes: GIB, minFreeBytes: 0 });
  assert.equal(await textAt(fixture, (await there.open(keyOf('a'), never)).path), 'first');
});

test('an image of layers has their content, exports whole, and needs no checkpoint any more', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  const base = await fixture.store.bootDisk(parent.amiId);
  const first = await freeze(fixture, store, base, 'first', 1);
  const second = await freeze(fixture, store, first, 'other');
  const layers = [
    await store.sealLayer(first.name, { digest: parent.digest }, never),
    await store.sealLayer(second.name, { layer: first.name }, never),
  ];
  await store.put({ key: keyOf('b'), parentAmiId: parent.amiId, layers, facts: {} }, never);
  const overlay = join(fixture.folder, 'top.qcow2');
  qemuImg('create', '-q', '-f', 'qcow2', '-b', second.path, '-F', 'qcow2', overlay);
  const request = { amiId: CHILD, diskPath: overlay, parentAmiId: parent.amiId, layers, name: 'child', tags: {} };
  const image = await fixture.store.capture(
    { ...request, source: 'test', made: { key: keyOf('c'), facts: {} } },
    fixture.context,
  );
  await store.discardLayers([first.name, second.name]);
  await store.remove(keyOf('b'));
  assert.deepEqual(image.layers, layers);
  assert.equal(image.made?.key, keyOf('c'));
  assert.equal(await textAt(fixture, (await fixture.store.bootDisk(CHILD)).path), 'other');
  const out = join(fixture.folder, 'out.qcow2');
  await fixture.store.export(CHILD, out, 'qcow2', fixture.context);
  assert.equal(await textAt(fixture, out), 'other');

  await fixture.store.remove(CHILD);
  assert.deepEqual(
    (await readdir(join(fixture.storeFolder, 'disks'))).filter((name) => name.startsWith('layer')),
    [],
  );
});

test('too many layers are flattened into the disk', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  const frozen = await freezeMany(fixture, store, parent, 9);
  const layers = frozen.map(({ layer }) => layer);
  const overlay = join(fixture.folder, 'top.qcow2');
  qemuImg('create', '-q', '-f', 'qcow2', '-b', frozen.at(-1)?.path ?? '', '-F', 'qcow2', overlay);
  const image = await fixture.store.capture({ ...captureRequest(CHILD, overlay, parent), layers }, fixture.context);
  await store.discardLayers(layers.map(({ name }) => name));
  assert.equal(image.layers, undefined);
  const { path } = await fixture.store.bootDisk(CHILD);
  assert.equal(await textAt(fixture, path), 'text8');
  const chain = JSON.parse(qemuImg('info', '--backing-chain', '--output=json', path)) as readonly unknown[];
  assert.equal(chain.length, 2);
});

test('a chain of images that is too long ends on its lowest disk; those between can be removed then', async () => {
  await using fixture = await storeFixture();
  const root = await importSmall(fixture);
  let newest = root;
  const made: MachineImage[] = [];
  const textOf = (index: number): string => `t${String(index).padStart(4, '0')}`;
  while (newest.baseAmiId === undefined) {
    assert.ok(made.length < 30, 'the chain only grows');
    const overlay = await writeOverlay(fixture, newest, textOf(made.length));
    const amiId = `ami-${String(made.length + 1).padStart(17, '0')}`;
    newest = await fixture.store.capture(captureRequest(amiId, overlay, newest), fixture.context);
    made.push(newest);
  }
  assert.equal(newest.baseAmiId, root.amiId);
  assert.equal(newest.parentAmiId, made.at(-2)?.amiId, 'it was built on that all the same');
  for (const { amiId } of made.slice(0, -1).toReversed()) await fixture.store.remove(amiId);
  await assert.rejects(fixture.store.remove(root.amiId), /other images are built on it/);
  const { path } = await fixture.store.bootDisk(newest.amiId);
  assert.equal(await textAt(fixture, path), textOf(made.length - 1));
  const chain = JSON.parse(qemuImg('info', '--backing-chain', '--output=json', path)) as readonly unknown[];
  assert.equal(chain.length, 2);
});

test('a capture that was cut short after it had shortened the chain is repeated', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  const layers = await freezeMany(fixture, store, parent, 9);
  const overlay = join(fixture.folder, 'top.qcow2');
  const top = layers.at(-1)?.path ?? '';
  qemuImg('create', '-q', '-f', 'qcow2', '-b', top, '-F', 'qcow2', overlay);
  const request = { ...captureRequest(CHILD, overlay, parent), layers: layers.map(({ layer }) => layer) };
  const killed = new AbortController();
  const monitor = { line: () => killed.abort(new Error('killed')) };
  await assert.rejects(fixture.store.capture(request, { signal: killed.signal, monitor }), /killed/);
  const image = await fixture.store.capture(request, fixture.context);
  assert.equal(image.layers, undefined);
  assert.equal(await textAt(fixture, (await fixture.store.bootDisk(CHILD)).path), 'text8');
});

test('of a disk a second image is made without a copy, and either goes without the other', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const { context } = fixture;
  const again = { amiId: CHILD, name: 'again', description: 'second', tags: { a: 'b' }, source: 'arn' };
  const image = await fixture.store.reuse({ ...again, of: parent.amiId }, context);
  assert.deepEqual({ ...image }, { ...parent, ...again, createdAt: '2026-03-09T10:00:00.000Z' });
  await fixture.store.remove(parent.amiId);
  assert.ok((await fixture.store.bootDisk(CHILD)).path.includes(parent.digest));
  await assert.rejects(fixture.store.reuse({ ...again, of: 'ami-00000000000000009' }, context), /no such image/);
});

test('a checkpoint that is corrupt, truncated or gone is refused by name', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  const spoil: Readonly<Record<string, (path: string) => Promise<void>>> = {
    corrupt: async (path) => {
      const bytes = await readFile(path);
      bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 0xff;
      await rm(path);
      await writeFile(path, bytes);
    },
    'is corrupt': async (path) => {
      await chmod(path, 0o600);
      await truncate(path, 1000);
    },
    missing: (path) => rm(path),
  };
  for (const [said, how] of Object.entries(spoil)) {
    const layer = await putOn(fixture, store, parent, keyOf('d'), 'text ');
    await how(join(fixture.storeFolder, 'disks', `${layer.name}.qcow2`));
    await assert.rejects(store.open(keyOf('d'), never), (error: Error) => {
      assert.ok(error instanceof BuilderFault && error.message.includes(said), error.message);
      return true;
    });
    await store.remove(keyOf('d'));
  }
  await putOn(fixture, store, parent, keyOf('e'), 'text ');
  const record = join(fixture.storeFolder, 'checkpoints', `${keyOf('e')}.json`);
  await writeFile(record, (await readFile(record, 'utf8')).slice(0, 50));
  assert.equal(await store.get(keyOf('e')), undefined, 'half-written');
  assert.deepEqual(await readdir(join(fixture.storeFolder, 'leases')), []);
});

test('with the parent go the checkpoints on it', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  await putOn(fixture, store, parent, keyOf('a'), 'text ');
  await fixture.store.remove(parent.amiId);
  assert.equal(await store.get(keyOf('a')), undefined);
  assert.deepEqual(await readdir(join(fixture.storeFolder, 'disks')), []);
});

test('a checkpoint whose parent has lost its disk is refused by name', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  await putOn(fixture, store, parent, keyOf('a'), 'text ');
  await rm(join(fixture.storeFolder, 'disks', `${parent.digest}.qcow2`));
  await assert.rejects(store.open(keyOf('a'), never), (error: Error) => {
    assert.ok(error instanceof BuilderFault && error.message.includes('missing'), error.message);
    return true;
  });
  assert.deepEqual(await readdir(join(fixture.storeFolder, 'leases')), []);
});

test('of two builds that write one checkpoint at once, both keep their disk and one stays', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  const base = await fixture.store.bootDisk(parent.amiId);
  const both = [await freeze(fixture, store, base, 'one  '), await freeze(fixture, store, base, 'two  ')];
  const sealed = await Promise.all(both.map(({ name }) => store.sealLayer(name, { digest: parent.digest }, never)));
  await Promise.all(
    sealed.map((layer) => store.put({ key: keyOf('a'), parentAmiId: parent.amiId, layers: [layer], facts: {} }, never)),
  );
  for (const { path } of both) await stat(path);
  await store.discardLayers(both.map(({ name }) => name));
  const { checkpoint, path } = await store.open(keyOf('a'), never);
  assert.equal(checkpoint.layers.length, 1);
  assert.ok(['one  ', 'two  '].includes(await textAt(fixture, path)));
  const files = (await readdir(join(fixture.storeFolder, 'disks'))).filter((name) => /^layer.*qcow2$/.test(name));
  assert.equal(files.length, 1);
});

test('the least recently used goes first, and never what a build works on or an image needs', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  for (const [index, digit] of ['a', 'b', 'c', 'd'].entries()) {
    await putOn(fixture, store, parent, keyOf(digit), `text${digit}`);
    const at = new Date(2026, 0, index + 1);
    await utimes(join(fixture.storeFolder, 'checkpoints', `${keyOf(digit)}.json`), at, at);
  }
  assert.deepEqual(
    (await store.list()).map(({ key }) => key[0]),
    ['d', 'c', 'b', 'a'],
  );
  const { bytes } = await store.stats();
  assert.ok(bytes > 4 * 64 * 1024, String(bytes));
  const inUse = await store.open(keyOf('a'), never);
  const [second] = (await store.get(keyOf('b')))?.layers ?? [];
  assert.ok(second !== undefined);
  const overlay = join(fixture.folder, 'top.qcow2');
  qemuImg(
    'create',
    '-q',
    '-f',
    'qcow2',
    '-b',
    join(fixture.storeFolder, 'disks', `${second.name}.qcow2`),
    '-F',
    'qcow2',
    overlay,
  );
  const request = { amiId: CHILD, diskPath: overlay, parentAmiId: parent.amiId, layers: [second], name: 'x', tags: {} };
  await fixture.store.capture({ ...request, source: 'test' }, fixture.context);

  const removed = await store.collect((bytes / 4) * 1.5);
  assert.equal(removed.bytes, (bytes / 4) * 2, 'b is an image’s now, c had to go');
  await store.collect(0);
  assert.deepEqual(
    (await store.list()).map(({ key, inUse: used }) => [key[0], used]),
    [['a', true]],
  );
  await stat(inUse.path);
  await fixture.store.bootDisk(CHILD);
  await inUse.release();
  await store.collect(0);
  assert.deepEqual(await store.list(), []);
  await assert.rejects(stat(inUse.path), { code: 'ENOENT' });
});

test('a lease appears whole: nobody reads a part of one', async () => {
  await using fixture = await storeFixture();
  const store = await openCheckpoints(fixture);
  const folder = join(fixture.storeFolder, 'leases');
  const written: string[] = [];
  const ended = Promise.withResolvers<void>();
  const watcher = watch(folder, (kind, name) => {
    if (name === 'end') ended.resolve();
    else if (kind === 'change') written.push(name ?? '');
  });
  await store.newLayer();
  await writeFile(join(folder, 'end'), '');
  await ended.promise;
  watcher.close();
  assert.ok(written.length > 0 && written.every((name) => name.endsWith('.partial')), written.join());
});

test('a lease that is being written is not swept away by another process that starts', async () => {
  await using fixture = await storeFixture();
  const store = await openCheckpoints(fixture);
  let writing = true;
  const names: string[] = [];
  const write = async (): Promise<void> => {
    for (let count = 0; count < 40; count++) names.push((await store.newLayer()).name);
  };
  const look = async (of: () => Promise<unknown>): Promise<void> => {
    while (writing) await of();
  };
  const looking = [look(() => store.list()), look(() => openImageStore({ folder: fixture.storeFolder }))];
  await Promise.all([write(), write(), write()]).finally(() => {
    writing = false;
  });
  await Promise.all(looking);
  assert.equal(new Set(names).size, 120);
  assert.equal((await readdir(join(fixture.storeFolder, 'leases'))).length, 120);
  await store.discardLayers(names);
  assert.deepEqual(await readdir(join(fixture.storeFolder, 'leases')), []);
});

test('a put beyond the configured size removes older ones at once', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture, 1);
  await putOn(fixture, store, parent, keyOf('a'), 'texta');
  await putOn(fixture, store, parent, keyOf('b'), 'textb');
  assert.equal(await store.get(keyOf('a')), undefined);
});

test('room is made of what was used least recently, and of nothing where that is not enough', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  let free = 10 * MIB;
  const store = await openCheckpointStore({
    ...{ folder: fixture.storeFolder, limitBytes: GIB, minFreeBytes: 4 * MIB, clock: fixedClock },
    freeBytes: async () => free,
  });
  for (const [index, digit] of ['a', 'b', 'c', 'd'].entries()) {
    await putOn(fixture, store, parent, keyOf(digit), `text${digit}`);
    const at = new Date(2026, 0, index + 1);
    await utimes(join(fixture.storeFolder, 'checkpoints', `${keyOf(digit)}.json`), at, at);
  }
  const opened = await store.open(keyOf('a'), never);
  await utimes(
    join(fixture.storeFolder, 'checkpoints', `${keyOf('a')}.json`),
    new Date(2025, 0, 1),
    new Date(2025, 0, 1),
  );
  const each = (await store.stats()).bytes / 4;
  const kept = async (): Promise<string> => (await store.list()).map(({ key }) => key[0]).join('');
  assert.equal(await store.makeRoom(6 * MIB), undefined);
  assert.equal(await kept(), 'dcba', 'there was room');
  assert.match((await store.makeRoom(6 * MIB + 3.5 * each)) ?? '', /GiB are free .* one of this machine may take/);
  assert.equal(await kept(), 'dcba', 'a is in use, and the others are too little');
  assert.equal(await store.makeRoom(6 * MIB + 1.5 * each), undefined);
  assert.equal(await kept(), 'da');
  // What builds need goes first, whatever is to be written.
  free = 4 * MIB - 0.5 * each;
  assert.equal((await store.stats()).paused, undefined);
  assert.equal(await store.makeRoom(0), undefined);
  assert.equal(await kept(), 'a');
  assert.match((await store.makeRoom(0)) ?? '', /^0.0 GiB are free on the disk/);
  assert.match((await store.stats()).paused ?? '', /checkpoints leave/);
  await opened.release();
});

test('a disk with little room pauses checkpoints', async () => {
  await using fixture = await storeFixture();
  const store = await openCheckpoints(fixture, GIB, 2 ** 60);
  assert.match((await store.paused()) ?? '', /GiB are free on the disk, and checkpoints leave/);
  assert.equal(await (await openCheckpoints(fixture)).paused(), undefined);
});

test('what a process killed while writing leaves is gone after the next start', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const script = `
    import { mkdir, writeFile } from 'node:fs/promises';
    import { openCheckpointStore } from ${JSON.stringify(new URL('./checkpoints.ts', import.meta.url).href)};
    const store = await openCheckpointStore({ folder: process.argv[1], limitBytes: 1, minFreeBytes: 0 });
    const { path, state } = await store.newLayer();
    await writeFile(path, Buffer.alloc(65536));
    await mkdir(state);
    await writeFile(state + '/memory.zst', Buffer.alloc(65536));
    process.stdout.write('written');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, fixture.storeFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const layers = async (): Promise<readonly string[]> =>
    (await readdir(join(fixture.storeFolder, 'disks'))).filter((name) => name.startsWith('layer-'));
  await openImageStore({ folder: fixture.storeFolder });
  assert.equal((await layers()).length, 2, 'its process still runs: the disk, and the memory that belongs to it');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await openImageStore({ folder: fixture.storeFolder });
  assert.deepEqual(await layers(), []);
  assert.deepEqual(await readdir(join(fixture.storeFolder, 'leases')), []);
  assert.ok((await fixture.store.bootDisk(parent.amiId)).path !== '');
});

test('a disk that is full while a checkpoint is written leaves none, and what was there stays', {
  skip: process.getuid?.() !== 0 && 'only root can mount',
}, async () => {
  await using fixture = await storeFixture();
  const small = join(fixture.folder, 'small');
  await mkdir(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'kiln-test', small]);
  try {
    const storeFolder = join(small, 'images');
    const tight = { ...fixture, storeFolder, store: await openImageStore({ folder: storeFolder, clock: fixedClock }) };
    const parent = await importSmall(tight);
    const store = await openCheckpoints(tight);
    await putOn(tight, store, parent, keyOf('a'), 'first');
    const { name } = await freeze(tight, store, await tight.store.bootDisk(parent.amiId), 'other');
    const layer = await store.sealLayer(name, { digest: parent.digest }, never);
    execFileSync('sh', ['-c', 'cat /dev/zero > "$1" 2>/dev/null || :', 'sh', join(small, 'fill')]);
    await assert.rejects(
      store.put({ key: keyOf('b'), parentAmiId: parent.amiId, layers: [layer], facts: {} }, never),
      /Writing a checkpoint failed: there is no space left on the disk/,
    );
    await assert.rejects(store.newLayer(), { code: 'ENOSPC' });
    await store.discardLayers([name]);
    assert.equal(await store.get(keyOf('b')), undefined);
    assert.equal(await textAt(tight, (await tight.store.bootDisk(parent.amiId)).path), '\0'.repeat(5));
    await rm(join(small, 'fill'));
    const { path, release } = await store.open(keyOf('a'), never);
    assert.equal(await textAt(tight, path), 'first');
    await release();
    const names = await readdir(join(storeFolder, 'disks'));
    assert.equal(names.filter((file) => /^layer-.*qcow2$/.test(file)).length, 1);
    assert.deepEqual(await readdir(join(storeFolder, 'leases')), []);
  } finally {
    execFileSync('umount', [small]);
  }
});

test('the memory of a machine goes with its checkpoint, also when an image needs the layer', async () => {
  await using fixture = await storeFixture();
  const parent = await importSmall(fixture);
  const store = await openCheckpoints(fixture);
  const layer = await store.newLayer();
  qemuImg(
    'create',
    '-q',
    '-f',
    'qcow2',
    '-b',
    (await fixture.store.bootDisk(parent.amiId)).path,
    '-F',
    'qcow2',
    layer.path,
  );
  await mkdir(layer.state);
  await writeFile(join(layer.state, 'memory'), Buffer.alloc(MIB, 1));
  const sealed = await store.sealLayer(layer.name, { digest: parent.digest }, never);
  const layers = [sealed];
  await store.put({ key: keyOf('a'), parentAmiId: parent.amiId, layers, facts: {}, hasMachine: true }, never);
  const overlay = join(fixture.folder, 'top.qcow2');
  qemuImg('create', '-q', '-f', 'qcow2', '-b', layer.path, '-F', 'qcow2', overlay);
  const request = { amiId: CHILD, diskPath: overlay, parentAmiId: parent.amiId, layers, name: 'x', tags: {} };
  await fixture.store.capture({ ...request, source: 'test' }, fixture.context);
  await store.discardLayers([layer.name]);
  const opened = await store.open(keyOf('a'), never);
  assert.equal(opened.state, layer.state);
  await stat(join(layer.state, 'memory'));
  await opened.release();
  assert.ok((await store.stats()).bytes >= MIB, 'memory counts');
  await store.collect(0);
  await assert.rejects(stat(layer.state), { code: 'ENOENT' });
  await fixture.store.bootDisk(CHILD);
});
