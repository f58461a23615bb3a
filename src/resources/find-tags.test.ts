import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGauges } from '../state/gauges.ts';
import { isReady } from '../state/is-ready.ts';
import { openTestStore } from '../state/test-store.ts';
import { findTags } from './find-tags.ts';
import { ARN_PREFIX, componentData, DEBIAN_ARN, testService, token } from './test-service.ts';

test('tags are found by exact ARNs and by versions, of definitions and images; of nothing else', async () => {
  await using store = await openTestStore();
  const { call } = testService(store);
  const component = { name: 'tool', semanticVersion: '1.2.0', platform: 'Linux', data: componentData() } as const;
  await call.CreateComponent({ ...component, tags: { team: 'web' }, ...token() });
  for (const version of ['1.2.0/1', '1.2.0', '1.x.x', 'x.x.x']) {
    assert.deepEqual(await findTags(store.db, `${ARN_PREFIX}component/tool/${version}`), { team: 'web' }, version);
  }
  const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
    name: 'small',
    instanceProfileName: 'builder',
    ...token(),
  });
  assert.deepEqual(await findTags(store.db, infrastructureConfigurationArn), {});
  const recipe = { name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, components: [] };
  const { imageRecipeArn = '' } = await call.CreateImageRecipe({ ...recipe, ...token() });
  const { imageBuildVersionArn = '' } = await call.CreateImage({
    imageRecipeArn,
    infrastructureConfigurationArn,
    tags: { owner: 'eve' },
    ...token(),
  });
  assert.deepEqual(await findTags(store.db, imageBuildVersionArn), { owner: 'eve' });
  for (const other of ['*', 'arn:aws:iam::123456789012:role/x', `${ARN_PREFIX}image/*`, `${ARN_PREFIX}image/a\0`, '']) {
    assert.equal(await findTags(store.db, other), undefined, other);
  }
  const { images, queued } = await readGauges(store.db);
  assert.deepEqual([[...images], queued], [[['PENDING', 1]], 1]);
});

test('a service is ready as long as its database answers', async () => {
  const store = await openTestStore();
  assert.equal(await isReady(store.db), true);
  await store.close();
  assert.equal(await isReady(store.db), false);
});
