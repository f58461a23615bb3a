import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { BuilderFault } from '../util/faults.ts';
import { ensureCredentials } from './credentials.ts';
import { type KilnHome, kilnHome } from './kiln-home.ts';

let folder: string;
let home: KilnHome;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-credentials-'));
  home = kilnHome(join(folder, 'deep', 'home'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('the first start makes credentials that nobody else can read, and later starts keep them', async () => {
  const first = await ensureCredentials(home);
  assert.match(first.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
  assert.match(first.secretAccessKey, /^[A-Za-z0-9+/]{40}$/);
  assert.match(first.accountId, /^[1-9][0-9]{11}$/);
  assert.equal(first.region, 'us-east-1');
  assert.equal(Buffer.from(first.pageTokenKey, 'base64').length, 32);
  assert.equal((await stat(home.credentialsFile)).mode & 0o777, 0o600);
  assert.equal((await stat(home.path)).mode & 0o777, 0o700);
  assert.deepEqual(await ensureCredentials(home), first);
});

test('processes that start at once agree', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => ensureCredentials(home)));
  assert.equal(new Set(made.map(({ secretAccessKey }) => secretAccessKey)).size, 1);
  assert.deepEqual(await readdir(home.path), ['credentials.json']);
});

test('damaged credentials are refused and not replaced', async () => {
  await ensureCredentials(home);
  for (const text of ['', '{', '{"accessKeyId":"x"}']) {
    await writeFile(home.credentialsFile, text);
    await assert.rejects(ensureCredentials(home), BuilderFault);
  }
});
