import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertComponent, insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { makeAllBefore } from './one-of-each.fixture.ts';
import { ARN_PREFIX, testService } from './test-service.ts';

describe('tags', () => {
  it('are set, changed and removed on definitions and images', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    for (const resourceArn of [await insertComponent(service.db), await insertImage(service.db)]) {
      assert.deepEqual(await call.ListTagsForResource({ resourceArn }), { tags: {} });
      assert.deepEqual(await call.TagResource({ resourceArn, tags: { a: '1', b: '2' } }), {});
      await call.TagResource({ resourceArn, tags: { b: '3', c: '' } });
      assert.deepEqual(await call.ListTagsForResource({ resourceArn }), { tags: { a: '1', b: '3', c: '' } });
      assert.deepEqual(await call.UntagResource({ resourceArn, tagKeys: ['a', 'never'] }), {});
      assert.deepEqual(await call.ListTagsForResource({ resourceArn }), { tags: { b: '3', c: '' } });
    }
    const { image } = await call.GetImage({ imageBuildVersionArn: `${ARN_PREFIX}image/web/1.0.0/1` });
    assert.deepEqual(image?.tags, { b: '3', c: '' });
  });

  it('are those of every type of resource', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    await makeAllBefore(call, 'CancelImageCreation');
    const arns = ['component/nginx/1.0.0/1', 'image-recipe/web/1.0.0', 'container-recipe/box/1.0.0'];
    const unversioned = [
      'infrastructure-configuration/infra',
      'distribution-configuration/here',
      'image-pipeline/nightly',
    ];
    const others = ['lifecycle-policy/old', 'workflow/build/check/1.0.0/1', 'image/web/1.0.0/1'];
    for (const arn of [...arns, ...unversioned, ...others]) {
      const resourceArn = `${ARN_PREFIX}${arn}`;
      await call.TagResource({ resourceArn, tags: { of: arn } });
      assert.deepEqual((await call.ListTagsForResource({ resourceArn })).tags, { of: arn });
      await call.UntagResource({ resourceArn, tagKeys: ['of'] });
      assert.deepEqual((await call.ListTagsForResource({ resourceArn })).tags, {});
    }
  });

  it('are at most 50, counted with those that are there', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const resourceArn = await insertComponent(service.db);
    const tags = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${from + index}`, 'x']));
    await call.TagResource({ resourceArn, tags: tags(0, 40) });
    await assert.rejects(call.TagResource({ resourceArn, tags: tags(40, 11) }), {
      name: 'InvalidParameterException',
      message: /it would have 51/,
    });
    await call.TagResource({ resourceArn, tags: tags(30, 20) });
    assert.equal(Object.keys((await call.ListTagsForResource({ resourceArn })).tags ?? {}).length, 50);
  });

  it('lose nothing when they are changed at once', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const resourceArn = await insertImage(service.db);
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map((key) => call.TagResource({ resourceArn, tags: { [key]: 'x' } })));
    const { tags = {} } = await call.ListTagsForResource({ resourceArn });
    assert.deepEqual(Object.keys(tags).sort(), [...keys].sort());
  });

  it('are not found on what does not exist', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const resourceArn = `${ARN_PREFIX}image-recipe/none/1.0.0`;
    const refused = { name: 'ResourceNotFoundException' };
    await assert.rejects(call.ListTagsForResource({ resourceArn }), refused);
    await assert.rejects(call.TagResource({ resourceArn, tags: { a: 'b' } }), refused);
    await assert.rejects(call.UntagResource({ resourceArn, tagKeys: ['a'] }), refused);
  });
});
