import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { captureRequest, importSmall, storeFixture, writeOverlay } from './store.fixture.ts';

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
