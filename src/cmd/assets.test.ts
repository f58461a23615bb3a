import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readAsset, stageAsset } from './assets.ts';

let folder: string;
before(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'kiln-assets-')), 'assets');
});
after(async () => {
  await rm(join(folder, '..'), { recursive: true, force: true });
});

test('a staged document is read back by its URI, kept once, and for its owner only', async () => {
  const uri = await stageAsset(folder, 'a document');
  assert.equal(await stageAsset(folder, 'a document'), uri);
  assert.equal(await readAsset(folder, uri), 'a document');
  const [name = '', ...rest] = await readdir(folder);
  assert.deepEqual(rest, []);
  assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
});

test('a changed document is not taken for the one that was staged', async () => {
  const uri = await stageAsset(folder, 'honest');
  await writeFile(join(folder, uri.slice(-64)), 'changed');
  await assert.rejects(readAsset(folder, uri), { name: 'InvalidParameterValueException' });
});

for (const uri of [
  's3://other-bucket/key',
  's3://kiln-assets/../credentials.json',
  's3://kiln-assets/',
  'file:///etc/passwd',
]) {
  test(`${uri} is refused`, async () => {
    await assert.rejects(readAsset(folder, uri), { name: 'InvalidRequestException' });
  });
}

test('a document that was never staged is refused', async () => {
  await assert.rejects(readAsset(folder, `s3://kiln-assets/${'0'.repeat(64)}`), {
    name: 'InvalidParameterValueException',
  });
});
