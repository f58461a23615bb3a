import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OperationName } from '../contract/operations.ts';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { type Call, componentData, DEBIAN_ARN, testService, token } from './test-service.ts';

interface Filtered {
  /** Makes two things, `one` and `two`, that differ in all that can be filtered by. */
  readonly make: (call: Call, db: ReturnType<typeof testService>['service']['db']) => Promise<Record<string, string>>;
  /** Each filter of the operation with a value that only `one` has. */
  readonly filters: Record<string, string | ((made: Record<string, string>) => string)>;
  readonly more?: (made: Record<string, string>) => object;
}

const both = async (make: (name: string, first: boolean) => Promise<unknown>) => {
  await make('one', true);
  await make('two', false);
  return {};
};

async function pipelineParts(call: Call, name: string) {
  const { imageRecipeArn = '' } = await call.CreateImageRecipe({
    ...{ name, semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, ...token() },
  });
  const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
    ...{ name, instanceProfileName: 'profile', ...token() },
  });
  const { distributionConfigurationArn = '' } = await call.CreateDistributionConfiguration({
    ...{ name, ...token() },
    distributions: [{ region: 'us-east-1', amiDistributionConfiguration: { description: 'x' } }],
  });
  return { imageRecipeArn, infrastructureConfigurationArn, distributionConfigurationArn };
}

const images: Filtered['make'] = async (call, db) => {
  const parts = await pipelineParts(call, 'pipeline');
  const { imagePipelineArn = '' } = await call.CreateImagePipeline({ name: 'p', ...parts, ...token() });
  const pipeline = { source_pipeline_arn: imagePipelineArn };
  await insertImage(db, { slug: 'one', name: 'one', os_version: 'Debian 12', ...pipeline });
  await insertImage(db, { slug: 'two', name: 'two', major: 2, platform: 'Windows', os_version: 'Other', ...pipeline });
  return { imagePipelineArn };
};

/** Source: API Reference, the `filters` of each List operation. */
const LISTS: { readonly [Name in OperationName]?: Filtered } = {
  ListComponents: {
    make: (call) =>
      both((name, first) =>
        call.CreateComponent({
          ...{ name, description: name, semanticVersion: first ? '1.0.0' : '2.0.0', ...token() },
          ...{ platform: first ? 'Linux' : 'macOS', supportedOsVersions: [first ? 'Debian 12' : 'macOS 14'] },
          data: componentData('x', first ? 'build' : 'test'),
        }),
      ),
    filters: {
      ...{ description: 'one', name: 'one', platform: 'Linux', supportedOsVersion: 'Debian 12' },
      ...{ type: 'BUILD', version: '1.x.x' },
    },
  },
  ListImages: { make: images, filters: { name: 'one', osVersion: 'Debian 12', platform: 'Linux', version: '1.x.x' } },
  ListImageBuildVersions: {
    make: images,
    filters: { name: 'one', osVersion: 'Debian 12', platform: 'Linux', version: '1.0.0/1' },
  },
  ListImagePipelineImages: {
    make: images,
    filters: { name: 'one', version: '1.x.x' },
    more: ({ imagePipelineArn = '' }) => ({ imagePipelineArn }),
  },
  ListImageRecipes: {
    make: (call) =>
      both((name, first) =>
        call.CreateImageRecipe({
          ...{ name, semanticVersion: '1.0.0', parentImage: first ? DEBIAN_ARN : WINDOWS_ARN, ...token() },
        }),
      ),
    filters: { name: 'one', parentImage: DEBIAN_ARN, platform: 'Linux' },
  },
  ListContainerRecipes: {
    make: (call) =>
      both((name, first) =>
        call.CreateContainerRecipe({
          ...{ name, semanticVersion: '1.0.0', containerType: 'DOCKER', parentImage: `debian:${first ? 12 : 13}` },
          ...{ platformOverride: first ? 'Linux' : 'Windows', ...token() },
          targetRepository: { service: 'ECR', repositoryName: 'r' },
          dockerfileTemplateData: 'FROM {{{ imagebuilder:parentImage }}}',
        }),
      ),
    filters: { name: 'one', parentImage: 'debian:12', platform: 'Linux' },
  },
  ListImagePipelines: {
    make: async (call) => {
      const made: Record<string, string> = {};
      await both(async (name, first) => {
        const parts = await pipelineParts(call, name);
        if (first) Object.assign(made, parts);
        const status = first ? ('ENABLED' as const) : ('DISABLED' as const);
        return call.CreateImagePipeline({ name, description: name, status, ...parts, ...token() });
      });
      return made;
    },
    filters: {
      ...{ description: 'one', name: 'one', status: 'ENABLED' },
      distributionConfigurationArn: ({ distributionConfigurationArn = '' }) => distributionConfigurationArn,
      imageRecipeArn: ({ imageRecipeArn = '' }) => imageRecipeArn,
      infrastructureConfigurationArn: ({ infrastructureConfigurationArn = '' }) => infrastructureConfigurationArn,
    },
  },
  ListInfrastructureConfigurations: {
    make: (call) => both((name) => pipelineParts(call, name)),
    filters: { name: 'one' },
  },
  ListDistributionConfigurations: {
    make: (call) => both((name) => pipelineParts(call, name)),
    filters: { name: 'one' },
  },
  ListLifecyclePolicies: {
    make: (call) =>
      both((name, first) =>
        call.CreateLifecyclePolicy({
          ...{ name, status: 'DISABLED', executionRole: 'role', ...token() },
          resourceType: first ? 'AMI_IMAGE' : 'CONTAINER_IMAGE',
          policyDetails: [{ action: { type: 'DELETE' }, filter: { type: 'COUNT', value: 1 } }],
          resourceSelection: { tagMap: { a: 'b' } },
        }),
      ),
    filters: { name: 'one', resourceType: 'AMI_IMAGE' },
  },
};
const WINDOWS_ARN = DEBIAN_ARN.replace('debian-server-12-x86', 'windows-server-2025-x86');

/** Filters that all that there can be here has, or nothing: what they find of the two. */
const SAME: Partial<Record<OperationName, Record<string, readonly [value: string, count: number]>>> = {
  ListComponents: { productCodes: ['x', 0], status: ['DEPRECATED', 0] },
  ListImages: { type: ['DOCKER', 0] },
  ListImageBuildVersions: { type: ['AMI', 2] },
  ListContainerRecipes: { containerType: ['DOCKER', 2] },
  ListLifecyclePolicies: { status: ['DISABLED', 2] },
};

type Page = Record<string, unknown>;

function itemsOf(page: Page): { readonly name?: string }[] {
  return (Object.values(page).find(Array.isArray) ?? []) as { name?: string }[];
}

describe('the filters of', () => {
  for (const [operation, { make, filters, more }] of Object.entries(LISTS)) {
    it(`${operation} find what has their value, and are those that AWS has`, async () => {
      await using store = await openTestStore();
      const { call, service } = testService(store);
      const made = await make(call, service.db);
      const list = call[operation as keyof typeof call] as (input: object) => Promise<Page>;
      const page = async (name: string, value: string) =>
        itemsOf(await list({ ...more?.(made), filters: [{ name, values: [value] }] }));
      for (const [name, value] of Object.entries(filters)) {
        const found = await page(name, typeof value === 'string' ? value : value(made));
        assert.deepEqual(
          found.map((item) => item.name),
          ['one'],
          name,
        );
        assert.deepEqual(await page(name, 'none'), [], name);
      }
      const same = SAME[operation as OperationName] ?? {};
      for (const [name, [value, count]] of Object.entries(same)) {
        assert.equal((await page(name, value)).length, count, name);
      }
      await assert.rejects(page('unknown', 'x'), (error: Error) => {
        const [, names = ''] = /Filter names are ([^.]*)\./.exec(error.message) ?? [];
        assert.deepEqual(names.split(', ').sort(), [...Object.keys(filters), ...Object.keys(same)].sort());
        return true;
      });
    });
  }
});

describe('the owner of', () => {
  const OWNERS = ['Self', 'Shared', 'Amazon', 'ThirdParty', 'AWSMarketplace'] as const;
  const REFUSED = 'refused';
  /** How many things each owner has. */
  const COUNTS = {
    ListComponents: [2, 0, 0, 0, 0],
    ListImages: [2, 0, 2, 0, 0],
    ListImageRecipes: [2, 0, 0, 0, 0],
    ListContainerRecipes: [2, 0, 0, REFUSED, REFUSED],
  } as const;
  for (const [operation, counts] of Object.entries(COUNTS)) {
    it(`${operation} says whose are listed, the own ones when it is left out`, async () => {
      await using store = await openTestStore();
      const { call, service } = testService(store);
      await LISTS[operation as keyof typeof COUNTS]?.make(call, service.db);
      const list = call[operation as keyof typeof call] as (input: object) => Promise<Page>;
      for (const [index, owner] of OWNERS.entries()) {
        if (counts[index] === REFUSED) {
          await assert.rejects(list({ owner }), { name: 'InvalidParameterValueException', message: /'owner'/ }, owner);
        } else assert.equal(itemsOf(await list({ owner })).length, counts[index], owner);
      }
      assert.equal(itemsOf(await list({})).filter(({ name }) => name === 'one').length, 1);
    });
  }
});
