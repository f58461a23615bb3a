import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependents, findResource, resolveImage, resolveResource } from './find-resource.ts';
import { insertComponent, insertImage, insertResource } from './test-rows.ts';
import { openTestStore } from './test-store.ts';

const PREFIX = 'arn:aws:imagebuilder:us-east-1:123456789012';

test('an ARN finds exactly its own row', async () => {
  await using store = await openTestStore();
  const arn = await insertComponent(store.db);
  assert.equal((await findResource(store.db, arn))?.arn, arn);
  assert.equal(await findResource(store.db, `${PREFIX}:component/nginx/1.0.0`), undefined);
});

test('open versions resolve to the numerically highest match and its newest build', async () => {
  await using store = await openTestStore();
  for (const version of ['1.6.8', '1.7.8', '1.7.10', '2.2.4', '10.0.0']) await insertComponent(store.db, { version });
  await insertComponent(store.db, { version: '1.7.10', build: 2 });
  await insertComponent(store.db, { version: '1.7.10', build: 10 });
  const resolve = async (version: string) =>
    (await resolveResource(store.db, `${PREFIX}:component/nginx/${version}`))?.arn.split('nginx/')[1];
  assert.equal(await resolve('x.x.x'), '10.0.0/1');
  assert.equal(await resolve('1.x.x'), '1.7.10/10');
  assert.equal(await resolve('1.6.x'), '1.6.8/1');
  assert.equal(await resolve('1.7.10'), '1.7.10/10');
  assert.equal(await resolve('1.7.10/2'), '1.7.10/2');
  assert.equal(await resolve('3.x.x'), undefined);
  await assert.rejects(resolve('x.7.x'), { name: 'InvalidVersionNumberException' });
  await assert.rejects(resolve('1.x.8'), { name: 'InvalidVersionNumberException' });
});

test('resources of another partition, region, account or kind are not matched', async () => {
  await using store = await openTestStore();
  await insertComponent(store.db);
  for (const arn of [
    'arn:aws-cn:imagebuilder:us-east-1:123456789012:component/nginx/x.x.x',
    'arn:aws:imagebuilder:eu-west-1:123456789012:component/nginx/x.x.x',
    'arn:aws:imagebuilder:us-east-1:210987654321:component/nginx/x.x.x',
    'arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/nginx/x.x.x',
    'arn:aws:imagebuilder:us-east-1:123456789012:component/nginx',
    'not an arn',
  ]) {
    assert.equal(await resolveResource(store.db, arn), undefined, arn);
  }
});

test('a resource without versions and a recipe resolve by their ARN', async () => {
  await using store = await openTestStore();
  const pipeline = await insertResource(store.db, {
    ...{ arn: `${PREFIX}:image-pipeline/nightly`, kind: 'image-pipeline', slug: 'nightly' },
  });
  const recipe = await insertResource(store.db, {
    ...{ arn: `${PREFIX}:image-recipe/web/2026.01.05`, kind: 'image-recipe', slug: 'web' },
    ...{ major: 2026, minor: 1, patch: 5, version: '2026.01.05' },
  });
  assert.equal((await resolveResource(store.db, pipeline))?.arn, pipeline);
  assert.equal((await resolveResource(store.db, recipe))?.arn, recipe);
  assert.equal((await resolveResource(store.db, `${PREFIX}:image-recipe/web/2026.x.x`))?.arn, recipe);
});

test('a workflow is found below its type', async () => {
  await using store = await openTestStore();
  const arn = await insertResource(store.db, {
    ...{ arn: `${PREFIX}:workflow/build/mine/1.0.0/1`, kind: 'workflow', slug: 'build/mine', name: 'mine' },
    ...{ major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
  });
  assert.equal((await resolveResource(store.db, `${PREFIX}:workflow/build/mine/x.x.x`))?.arn, arn);
  assert.equal(await resolveResource(store.db, `${PREFIX}:workflow/test/mine/x.x.x`), undefined);
});

test('an open image version means the newest build that is AVAILABLE, a build ARN any build', async () => {
  await using store = await openTestStore();
  await insertImage(store.db, { build: 1, status: 'AVAILABLE' });
  await insertImage(store.db, { build: 2, status: 'AVAILABLE' });
  const failed = await insertImage(store.db, { build: 3, status: 'FAILED' });
  await insertImage(store.db, { major: 2, status: 'DEPRECATED' });
  const resolve = async (version: string) =>
    (await resolveImage(store.db, `${PREFIX}:image/web/${version}`))?.arn.split('web/')[1];
  assert.equal(await resolve('x.x.x'), '1.0.0/2');
  assert.equal(await resolve('1.0.0'), '1.0.0/2');
  assert.equal(await resolve('2.0.0'), undefined);
  assert.equal((await resolveImage(store.db, failed))?.status, 'FAILED');
  await assert.rejects(resolve('1.x.0'), { name: 'InvalidVersionNumberException' });
});

test('dependents lists in one query who refers by build, by version and by wildcard', async () => {
  await using store = await openTestStore();
  const target = await insertComponent(store.db, { version: '1.2.3' });
  const refer = async (slug: string, to: string): Promise<void> => {
    const from = await insertResource(store.db, {
      arn: `${PREFIX}:image-recipe/${slug}/1.0.0`,
      kind: 'image-recipe',
      slug,
    });
    await store.db.insertInto('resource_references').values({ from_arn: from, to_arn: to }).execute();
  };
  await refer('by-build', target);
  await refer('by-version', `${PREFIX}:component/nginx/1.2.3`);
  await refer('by-patch', `${PREFIX}:component/nginx/1.2.x`);
  await refer('by-minor', `${PREFIX}:component/nginx/1.x.x`);
  await refer('by-all', `${PREFIX}:component/nginx/x.x.x`);
  await refer('other-build', `${PREFIX}:component/nginx/1.2.3/2`);
  await refer('other-version', `${PREFIX}:component/nginx/2.x.x`);
  await refer('other-name', `${PREFIX}:component/apache/x.x.x`);
  let queries = 0;
  const counted = store.db.withPlugin({
    transformQuery: ({ node }) => {
      queries++;
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const found = await dependents(counted, target);
  assert.equal(queries, 1);
  assert.deepEqual(
    found.map(({ fromArn }) => fromArn.split('/')[1]),
    ['by-build', 'by-version', 'by-patch', 'by-minor', 'by-all'],
  );
  assert.equal(found[2]?.toArn, `${PREFIX}:component/nginx/1.2.x`);
});

test('references go with the resource that made them', async () => {
  await using store = await openTestStore();
  const from = await insertComponent(store.db);
  await store.db.insertInto('resource_references').values({ from_arn: from, to_arn: 'x' }).execute();
  await store.db.deleteFrom('resources').where('arn', '=', from).execute();
  assert.deepEqual(await store.db.selectFrom('resource_references').selectAll().execute(), []);
});
