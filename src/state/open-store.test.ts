import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findImage } from './find-resource.ts';
import { openStore } from './open-store.ts';
import { insertImage } from './test-rows.ts';
import { createTestDatabase, silentLog, testDatabaseUrl } from './test-store.ts';
import { nextBuilds } from './workers.ts';

const options = { log: silentLog, signal: new AbortController().signal };

test('a store in a home is opened, closed and opened again with its rows', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'kiln-store-'));
  try {
    const store = await openStore({ home, ...options });
    const arn = await insertImage(store.db);
    await store.db.transaction().execute((trx) => store.jobs.enqueue(trx, arn));
    await store.close();
    await store.close();
    await using again = await openStore({ home, ...options });
    assert.equal((await findImage(again.db, arn))?.status, 'PENDING');
    const waiting = await nextBuilds(again.db, { place: 'here', except: [], limit: 2 });
    assert.deepEqual(
      waiting.map((image) => image.arn),
      [arn],
    );
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

test('a store in an outside server is opened by its URL and outlives the close', async () => {
  const databaseUrl = await testDatabaseUrl(await createTestDatabase());
  const store = await openStore({ databaseUrl, ...options });
  const arn = await insertImage(store.db);
  await store.close();
  await using again = await openStore({ databaseUrl, ...options });
  assert.equal((await findImage(again.db, arn))?.arn, arn);
});

test('a server that cannot be reached is a fault that does not tell the password', async () => {
  const databaseUrl = 'postgresql://kiln:hush-hush@127.0.0.1:1/kiln';
  await assert.rejects(openStore({ databaseUrl, ...options }), (error: Error) => {
    assert.equal(error.name, 'BuilderFault');
    assert.match(error.message, /cannot be reached: .*ECONNREFUSED/);
    assert.doesNotMatch(JSON.stringify(error) + error.stack, /hush-hush/);
    return true;
  });
});

test('an opening that is aborted before it began opens nothing', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'kiln-store-'));
  try {
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(openStore({ home, log: silentLog, signal }), { message: 'enough' });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
