import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTestStore } from '../state/test-store.ts';
import { canonicalJson } from './idempotency.ts';
import { ARN_PREFIX, componentData, DEBIAN_ARN, testService, token } from './test-service.ts';

const INFRA = { name: 'infra', instanceProfileName: 'profile' };

describe('client tokens', () => {
  it('answer the same request with the first response, also after what it made changed', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const request = { name: 'page', semanticVersion: '1.0.0', platform: 'Linux' as const, data: componentData() };
    const first = await call.CreateComponent({ ...request, clientToken: 'one' });
    assert.deepEqual(await call.CreateComponent({ ...request, clientToken: 'one' }), first);
    await call.DeleteComponent({ componentBuildVersionArn: first.componentBuildVersionArn ?? '' });
    assert.deepEqual(await call.CreateComponent({ ...request, clientToken: 'one' }), first);
    assert.deepEqual(await call.ListComponents({}), { componentVersionList: [] });
  });

  it('refuse another request under the same token, per operation', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      ...INFRA,
      clientToken: 'one',
    });
    await assert.rejects(call.CreateInfrastructureConfiguration({ ...INFRA, name: 'other', clientToken: 'one' }), {
      name: 'IdempotentParameterMismatchException',
    });
    // Tokens are case-sensitive, and those of other operations are others.
    await call.CreateInfrastructureConfiguration({ ...INFRA, name: 'other', clientToken: 'ONE' });
    await call.UpdateInfrastructureConfiguration({
      infrastructureConfigurationArn,
      instanceProfileName: 'new',
      clientToken: 'one',
    });
  });

  it('are not used up by a request that was refused', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const pipeline = {
      name: 'pipeline',
      imageRecipeArn: `${ARN_PREFIX}image-recipe/web/1.0.0`,
      infrastructureConfigurationArn: `${ARN_PREFIX}infrastructure-configuration/infra`,
      clientToken: 'one',
    };
    await assert.rejects(call.CreateImagePipeline(pipeline), { name: 'ResourceNotFoundException' });
    await call.CreateInfrastructureConfiguration({ ...INFRA, ...token() });
    await call.CreateImageRecipe({ name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, ...token() });
    await call.CreateImagePipeline(pipeline);
  });

  it('make one image of many concurrent requests', async () => {
    await using store = await openTestStore();
    const { call } = testService(store);
    const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
      ...INFRA,
      ...token(),
    });
    const { imageRecipeArn } = await call.CreateImageRecipe({
      name: 'web',
      semanticVersion: '1.0.0',
      parentImage: DEBIAN_ARN,
      ...token(),
    });
    const request = { imageRecipeArn, infrastructureConfigurationArn, clientToken: 'one' };
    const answers = await Promise.all(Array.from({ length: 30 }, () => call.CreateImage(request)));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal((await call.ListImageBuildVersions({})).imageSummaryList?.length, 1);
  });
});

describe('canonical JSON', () => {
  it('is the same for equal values whatever the order and absence of their members', () => {
    assert.equal(
      canonicalJson({ b: [{ y: 1, x: undefined, a: 2 }], a: 'x' }),
      canonicalJson({ a: 'x', b: [{ a: 2, y: 1 }], c: undefined }),
    );
    assert.notEqual(canonicalJson({ a: ['x', 'y'] }), canonicalJson({ a: ['y', 'x'] }));
  });
});
