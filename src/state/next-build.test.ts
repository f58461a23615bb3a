import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BuildOf, nextBuild } from './next-build.ts';
import { insertImage } from './test-rows.ts';
import { openTestStore } from './test-store.ts';

const WEB: BuildOf = {
  kind: 'image',
  accountId: '123456789012',
  region: 'us-east-1',
  slug: 'web',
  nodes: [1, 0, 0],
};

test('50 creates at once get the numbers 1 to 50, each once', async () => {
  await using store = await openTestStore();
  const builds = await Promise.all(
    Array.from({ length: 50 }, () =>
      store.db.transaction().execute(async (trx) => {
        const build = await nextBuild(trx, WEB);
        await insertImage(trx, { build });
        return build;
      }),
    ),
  );
  assert.deepEqual(
    builds.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
});

test('every version counts by itself', async () => {
  await using store = await openTestStore();
  assert.equal(await nextBuild(store.db, WEB), 1);
  assert.equal(await nextBuild(store.db, { ...WEB, nodes: [1, 0, 1] }), 1);
  assert.equal(await nextBuild(store.db, { ...WEB, kind: 'component' }), 1);
  assert.equal(await nextBuild(store.db, { ...WEB, region: 'eu-west-1' }), 1);
  assert.equal(await nextBuild(store.db, WEB), 2);
});

test('a number of a transaction that was rolled back is given again, one of a deleted build is not', async () => {
  await using store = await openTestStore();
  const failing = store.db.transaction().execute(async (trx) => {
    assert.equal(await nextBuild(trx, WEB), 1);
    throw new Error('changed my mind');
  });
  await assert.rejects(failing, { message: 'changed my mind' });
  const build = await nextBuild(store.db, WEB);
  assert.equal(build, 1);
  const arn = await insertImage(store.db, { build });
  await store.db.deleteFrom('images').where('arn', '=', arn).execute();
  assert.equal(await nextBuild(store.db, WEB), 2);
});
