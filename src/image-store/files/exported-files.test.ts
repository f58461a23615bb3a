import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MachineImage } from '../image-store.ts';
import { captureRequest, importSmall, MIB, qemuImg, storeFixture, writeOverlay } from './store.fixture.ts';

test('SHA256SUMS beside an export has a line for it, and keeps the others', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const { store, folder, context } = fixture;
  await writeFile(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  other\n${'1'.repeat(64)}  out.qcow2\n`);
  await store.export(image.amiId, join(folder, 'out.qcow2'), 'qcow2', context);
  await store.export(image.amiId, join(folder, 'out.raw'), 'raw', context);
  const lines = (await readFile(join(folder, 'SHA256SUMS'), 'utf8')).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.slice(66)),
    ['other', 'out.qcow2', 'out.raw'],
  );
  execFileSync('sha256sum', ['--check', '--quiet', '--ignore-missing', 'SHA256SUMS'], { cwd: folder });
});

test('a file that holds the image already is not written again, unless somebody touched it', async () => {
  await using fixture = await storeFixture();
  const image = await importSmall(fixture);
  const { store, folder, context, lines } = fixture;
  const file = join(folder, 'out.qcow2');
  const write = () => store.export(image.amiId, file, 'qcow2', context);
  const first = await write();
  const before = await stat(file);
  assert.deepEqual(await write(), first);
  assert.equal((await stat(file)).ino, before.ino);
  assert.ok(lines.includes(`${file} is this image already`));

  const again = await store.reuse(
    { of: image.amiId, amiId: 'ami-00000000000000005', name: 'again', tags: {}, source: 's' },
    context,
  );
  await store.export(again.amiId, file, 'qcow2', context);
  assert.equal((await stat(file)).ino, before.ino, 'another image with the same disk');

  await appendFile(file, 'x');
  await write();
  const mended = await stat(file);
  assert.notEqual(mended.ino, before.ino);
  await utimes(file, new Date(0), new Date(0));
  await write();
  assert.notEqual((await stat(file)).ino, mended.ino);

  const overlay = await writeOverlay(fixture, image, 'child');
  const child = await store.capture(captureRequest('ami-00000000000000006', overlay, image), context);
  const last = await stat(file);
  await store.export(child.amiId, file, 'qcow2', context);
  assert.notEqual((await stat(file)).ino, last.ino, 'another image');
});

test('exports at the same time, of several images and of one to several files, are whole, each with its sum', async () => {
  await using fixture = await storeFixture();
  const { store, folder, context } = fixture;
  const base = await importSmall(fixture);
  const children: MachineImage[] = [];
  for (const digit of ['1', '2', '3']) {
    const overlay = await writeOverlay(fixture, base, digit);
    children.push(await store.capture(captureRequest(`ami-0000000000000000${digit}`, overlay, base), context));
  }
  const out = join(folder, 'out');
  await mkdir(out);
  const write = (image: MachineImage, name: string, format: 'qcow2' | 'raw') =>
    store.export(image.amiId, join(out, name), format, context);
  const written = await Promise.all([
    // What makes exports of children fast is made meanwhile.
    store.prepareExport(base.amiId, context.signal).then(() => undefined),
    write(base, 'base.raw', 'raw'),
    ...children.flatMap((image, index) => [
      write(image, `${index}.qcow2`, 'qcow2'),
      write(image, `${index}.raw`, 'raw'),
      write(image, `${index} again.qcow2`, 'qcow2'),
    ]),
  ]);
  const names = (await readdir(out)).filter((name) => name !== 'SHA256SUMS');
  assert.equal(names.length, 10, names.join());
  const sums = (await readFile(join(out, 'SHA256SUMS'), 'utf8')).trimEnd().split('\n');
  assert.deepEqual(sums.map((line) => line.slice(66)).toSorted(), names.toSorted());
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: out });
  const original = await readFile(join(folder, 'base.raw'));
  assert.ok((await readFile(join(out, 'base.raw'))).equals(original));
  for (const [index, digit] of ['1', '2', '3'].entries()) {
    const raw = await readFile(join(out, `${index}.raw`));
    assert.ok(raw.subarray(2 * MIB, 2 * MIB + 65_536).every((byte) => byte === digit.charCodeAt(0)));
    for (const name of [`${index}.qcow2`, `${index} again.qcow2`]) {
      // Fails when the contents differ.
      qemuImg('compare', '-f', 'raw', '-F', 'qcow2', join(out, `${index}.raw`), join(out, name));
    }
  }
  // One mebibyte of content and a little more of four.
  for (const name of names.filter((each) => each.endsWith('.raw'))) {
    const { size, blocks } = await stat(join(out, name));
    assert.ok(size === 4 * MIB && blocks * 512 < 2 * MIB, `${name} is sparse: ${blocks * 512} of ${size}`);
  }
  for (const result of written) assert.ok(result === undefined || result.bytes < 2 * MIB);
});

test('of exports to one file at the same time, the last one stays, with its own sum', async () => {
  await using fixture = await storeFixture();
  const { store, folder, context } = fixture;
  const out = join(folder, 'out');
  await mkdir(out);
  const file = join(out, 'out.qcow2');
  const images = [await importSmall(fixture, 'one'), await importSmall(fixture, 'two')];
  // The same image twice as well.
  await Promise.all([...images, ...images].map(({ amiId }) => store.export(amiId, file, 'qcow2', context)));
  assert.deepEqual((await readdir(out)).toSorted(), ['SHA256SUMS', 'out.qcow2']);
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: out });
  const { lines } = fixture;
  lines.splice(0);
  const raw = join(folder, 'look.raw');
  qemuImg('convert', '-O', 'raw', file, raw);
  const last = await readFile(raw);
  const [one, two] = await Promise.all(['one', 'two'].map((name) => readFile(join(folder, `${name}.raw`))));
  assert.ok(last.equals(one ?? Buffer.alloc(0)) !== last.equals(two ?? Buffer.alloc(0)), 'it is one of them');
  // What is remembered of the file is what it is.
  const which = images[last.equals(one ?? Buffer.alloc(0)) ? 0 : 1];
  await store.export(which?.amiId ?? '', file, 'qcow2', context);
  assert.deepEqual(lines, [`${file} is this image already`]);
});
