import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeInput } from '../contract/decode.ts';
import { AwsError } from '../contract/errors.ts';
import { readModel } from '../contract/model.ts';
import type { OperationName } from '../contract/operations.ts';
import { quotasWith } from './quota-table.ts';
import { REFUSED_OPERATIONS } from './refused-operations.ts';
import { requestChecks } from './request-checks.ts';
import { ARN_PREFIX, AT, DEBIAN_ARN } from './test-service.ts';
import { UNSUPPORTED_MEMBERS } from './unsupported-members.ts';

const model = new Map(readModel().map((operation) => [operation.name, operation]));
const check = requestChecks({ clock: { now: () => AT }, quotas: quotasWith(), region: 'us-east-1' });

/** The lines of the refusal of a request that is decoded with all checks. */
function refusal(name: OperationName, input: Readonly<Record<string, unknown>>): string[] {
  const operation = model.get(name) ?? assert.fail(name);
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const [member, value] of Object.entries(input)) {
    if (operation.method === 'GET') query.append(member, String(value));
    else body[member] = value;
  }
  try {
    decodeInput(operation, { labels: {}, query, body }, (wrong) => check(name, wrong));
  } catch (error) {
    if (error instanceof AwsError) return error.message.split('\n');
    throw error;
  }
  return assert.fail('nothing was refused');
}

const BUILD = {
  infrastructureConfigurationArn: `${ARN_PREFIX}infrastructure-configuration/i`,
  workflows: [{ workflowArn: `${ARN_PREFIX}workflow/build/w/1.0.0/1` }],
  clientToken: '',
};
const COMPONENT = {
  name: 'c',
  semanticVersion: '1.0.9999999999',
  platform: 'Linux',
  clientToken: 't',
  data: 'nothing',
};
const INFRASTRUCTURE = {
  instanceProfileName: 'a b',
  subnetId: 'subnet-1',
  resourceTags: { Name: 'x' },
  clientToken: 't',
};
const DISTRIBUTION = {
  description: '',
  distributions: [{ region: 'us-east-1' }, { region: 'us-east-1', amiDistributionConfiguration: { name: 'n' } }],
  clientToken: 't',
};
const POLICY = {
  executionRole: 'a b',
  resourceType: 'CONTAINER_IMAGE',
  policyDetails: [{ action: { type: 'DISABLE' }, filter: { type: 'COUNT', value: 0 } }],
  resourceSelection: {},
  clientToken: 't',
};
const PIPELINE = {
  ...BUILD,
  schedule: { scheduleExpression: 'every day' },
  loggingConfiguration: { pipelineLogGroupName: 'mine' },
};
const PIPELINE_PROBLEMS = [
  'clientToken',
  'imageRecipeArn',
  'executionRole',
  'schedule',
  'loggingConfiguration.pipelineLogGroupName',
];
const LIST = { maxResults: 26, filters: [{ name: 'none', values: ['x'] }] };
const LIST_PROBLEMS = ['maxResults', 'filters[0].name'];
const WILDCARD_ARN = (kind: string): string => `${ARN_PREFIX}${kind}/web/1.x.x`;
const SHARED = { policy: '{}', version: 1 };
const sharedProblems = (arn: string): string[] => ['version', arn, 'policy', "'Statement'"];

/** A request with members that are wrong and with contradictions, and what it is told about: members, or the text. */
const CASES: { readonly [Name in OperationName]?: readonly [input: object, told: readonly string[]] } = {
  CreateComponent: [{ ...COMPONENT, kmsKeyId: 'k' }, ['name', 'kmsKeyId', 'semanticVersion', 'data']],
  CreateContainerRecipe: [
    {
      ...{ name: 'box', semanticVersion: 'x.x.0', containerType: 'DOCKER', parentImage: 'ami-1', clientToken: '' },
      ...{ dockerfileTemplateData: 'FROM x', targetRepository: { service: 'ECR', repositoryName: 'r' } },
    },
    ['clientToken', 'semanticVersion', 'parentImage', 'dockerfileTemplateData'],
  ],
  CreateDistributionConfiguration: [
    { name: 'here', ...DISTRIBUTION },
    [
      ...['description', 'distributions[0]', 'distributions[1].region'],
      'distributions[1].amiDistributionConfiguration.name',
    ],
  ],
  CreateImage: [
    { ...BUILD, loggingConfiguration: { logGroupName: 'mine' } },
    ['clientToken', 'imageRecipeArn', 'executionRole', 'loggingConfiguration.logGroupName'],
  ],
  CreateImagePipeline: [{ name: 'nightly', ...PIPELINE }, PIPELINE_PROBLEMS],
  CreateImageRecipe: [
    {
      ...{ name: 'web', semanticVersion: '1.0.0', parentImage: 'prod-abc', clientToken: '' },
      components: [{ componentArn: WILDCARD_ARN('component') }, { componentArn: WILDCARD_ARN('component') }],
      blockDeviceMappings: [{ deviceName: '/dev/sdb', ebs: { throughput: 125 } }],
    },
    [
      ...['clientToken', 'blockDeviceMappings[0].ebs.volumeSize', 'blockDeviceMappings[0].ebs.throughput'],
      ...["'parentImage'", 'components[1].componentArn'],
    ],
  ],
  CreateInfrastructureConfiguration: [
    { name: 'infra', ...INFRASTRUCTURE },
    ['instanceProfileName', 'subnetId', 'resourceTags'],
  ],
  CreateLifecyclePolicy: [
    { name: 'old', ...POLICY },
    [
      ...['executionRole', 'policyDetails[0].filter.value', 'policyDetails[0].action.type'],
      ...['policyDetails[0].filter.type', 'resourceSelection', "'status'"],
    ],
  ],
  CreateWorkflow: [
    { name: 'w', semanticVersion: '1.0.9999999999', type: 'TEST', kmsKeyId: 'k', clientToken: 't', data: 'nothing' },
    ['name', 'kmsKeyId', 'semanticVersion', 'data'],
  ],
  DistributeImage: [
    { sourceImage: 'ami-1', distributionConfigurationArn: 'no', executionRole: 'r', clientToken: 't' },
    ['distributionConfigurationArn', 'DistributeImage'],
  ],
  GetContainerRecipePolicy: [
    { containerRecipeArn: WILDCARD_ARN('container-recipe'), version: 1 },
    ['version', 'containerRecipeArn'],
  ],
  GetImageRecipePolicy: [{ imageRecipeArn: WILDCARD_ARN('image-recipe'), version: 1 }, ['version', 'imageRecipeArn']],
  GetMarketplaceResource: [
    { resourceType: 'x', resourceArn: `${ARN_PREFIX}component/web/1.0.0` },
    ['resourceType', 'GetMarketplaceResource'],
  ],
  ImportComponent: [
    { ...COMPONENT, data: undefined, type: 'BUILD', format: 'SHELL', kmsKeyId: 'k' },
    ['name', 'kmsKeyId', 'semanticVersion', "'data' and 'uri'"],
  ],
  ImportDiskImage: [
    {
      ...{
        name: 'win',
        semanticVersion: '1.0.0',
        platform: 'Windows',
        osVersion: 'Microsoft Windows 11',
        clientToken: '',
      },
      ...{ infrastructureConfigurationArn: BUILD.infrastructureConfigurationArn, uri: 's3://bucket/key.iso' },
    },
    ['clientToken', 'ImportDiskImage'],
  ],
  ImportVmImage: [
    { name: 'vm', semanticVersion: '1.0.0', platform: 'Linux', vmImportTaskId: 'import-ami-1', clientToken: '' },
    ['clientToken', 'ImportVmImage'],
  ],
  ListComponentBuildVersions: [
    { maxResults: 0, componentVersionArn: `${ARN_PREFIX}component/web/1.0.9999999999` },
    ['maxResults', 'componentVersionArn'],
  ],
  ListComponents: [{ ...LIST, byName: true }, LIST_PROBLEMS],
  ListContainerRecipes: [{ ...LIST, owner: 'ThirdParty' }, ['maxResults', 'owner', 'filters[0].name']],
  ListDistributionConfigurations: [LIST, LIST_PROBLEMS],
  ListImageBuildVersions: [
    { ...LIST, imageVersionArn: `${ARN_PREFIX}image/web/1.0.9999999999` },
    ['maxResults', 'imageVersionArn', 'filters[0].name'],
  ],
  ListImagePipelineImages: [{ ...LIST, imagePipelineArn: 'no' }, ['imagePipelineArn', 'filters[0].name', 'maxResults']],
  ListImagePipelines: [LIST, LIST_PROBLEMS],
  ListImageRecipes: [LIST, LIST_PROBLEMS],
  ListImageScanFindingAggregations: [
    { nextToken: '', filter: { name: 'none' } },
    ['nextToken', 'filter.name', 'filter.values'],
  ],
  ListImageScanFindings: [LIST, LIST_PROBLEMS],
  ListImages: [
    { maxResults: 26, byName: true, filters: [{ name: 'version', values: ['1.x.x'] }] },
    ['maxResults', 'byName'],
  ],
  ListInfrastructureConfigurations: [LIST, LIST_PROBLEMS],
  ListLifecycleExecutions: [
    { maxResults: 26, resourceArn: `${ARN_PREFIX}image/web/1.0.0` },
    ['maxResults', 'resourceArn'],
  ],
  ListLifecyclePolicies: [LIST, LIST_PROBLEMS],
  ListWorkflowBuildVersions: [
    { maxResults: 26, workflowVersionArn: `${ARN_PREFIX}workflow/test/web/1.x.0` },
    ['maxResults', 'workflowVersionArn'],
  ],
  ListWorkflows: [{ ...LIST, owner: 'Shared' }, ['maxResults', 'owner', 'filters[0].name']],
  PutComponentPolicy: [{ componentArn: WILDCARD_ARN('component'), ...SHARED }, sharedProblems('componentArn')],
  PutContainerRecipePolicy: [
    { containerRecipeArn: WILDCARD_ARN('container-recipe'), ...SHARED },
    sharedProblems('containerRecipeArn'),
  ],
  PutImagePolicy: [{ imageArn: WILDCARD_ARN('image'), ...SHARED }, sharedProblems('imageArn')],
  PutImageRecipePolicy: [{ imageRecipeArn: WILDCARD_ARN('image-recipe'), ...SHARED }, sharedProblems('imageRecipeArn')],
  StartResourceStateUpdate: [
    {
      resourceArn: `${ARN_PREFIX}image/web/1.0.0/1`,
      state: { status: 'DELETED' },
      includeResources: { snapshots: true },
      updateAt: 1_800_000_000,
      clientToken: '',
    },
    ['clientToken', 'updateAt', 'includeResources', 'includeResources.snapshots'],
  ],
  UpdateDistributionConfiguration: [
    { distributionConfigurationArn: `${ARN_PREFIX}distribution-configuration/here`, ...DISTRIBUTION },
    [
      ...['description', 'distributions[0]', 'distributions[1].region'],
      'distributions[1].amiDistributionConfiguration.name',
    ],
  ],
  UpdateImagePipeline: [{ imagePipelineArn: `${ARN_PREFIX}image-pipeline/p`, ...PIPELINE }, PIPELINE_PROBLEMS],
  UpdateInfrastructureConfiguration: [
    { infrastructureConfigurationArn: `${ARN_PREFIX}infrastructure-configuration/i`, ...INFRASTRUCTURE },
    ['instanceProfileName', 'subnetId', 'resourceTags'],
  ],
  UpdateLifecyclePolicy: [
    { lifecyclePolicyArn: `${ARN_PREFIX}lifecycle-policy/old`, ...POLICY },
    [
      ...['executionRole', 'policyDetails[0].filter.value', 'policyDetails[0].action.type'],
      ...['policyDetails[0].filter.type', 'resourceSelection', "'status'"],
    ],
  ],
};

describe('a request with members that are wrong and with contradictions is told both', () => {
  for (const [name, [input, told]] of Object.entries(CASES)) {
    it(name, () => {
      const lines = refusal(name as OperationName, input as Record<string, unknown>);
      for (const what of told) {
        const named = what.includes("'") || /^[A-Z]/.test(what) ? what : `'${what}'`;
        assert.ok(
          lines.some((line) => line.includes(named)),
          `${what} is not told of:\n${lines.join('\n')}`,
        );
      }
      assert.equal(lines.length, told.length, lines.join('\n'));
    });
  }

  it('which is so for every operation that has filters or refuses something', () => {
    const filtered = [...model.values()].filter(({ input }) => input.members.has('filters')).map(({ name }) => name);
    const wanted = [...filtered, ...Object.keys(UNSUPPORTED_MEMBERS), ...Object.keys(REFUSED_OPERATIONS)];
    assert.deepEqual(
      wanted.filter((name) => !(name in CASES)),
      [],
    );
  });
});

describe('a mistake is told once', () => {
  const RECIPE = { name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN, clientToken: 't' };
  const IMAGE = { infrastructureConfigurationArn: BUILD.infrastructureConfigurationArn, clientToken: 't' };
  const cases: Record<string, readonly [OperationName, object]> = {
    'a document that is no text is not also missing': [
      'CreateComponent',
      { ...COMPONENT, name: 'app', semanticVersion: '1.0.0', data: 5 },
    ],
    'a document that is too long is not also missing': [
      'CreateComponent',
      { ...COMPONENT, name: 'app', semanticVersion: '1.0.0', data: 'x'.repeat(16_001) },
    ],
    'a misspelt recipe is not also missing': ['CreateImage', { ...IMAGE, imageRecipeArm: 'x' }],
    'a recipe that is no ARN is not also missing': ['CreateImage', { ...IMAGE, imageRecipeArn: 'x' }],
    'an output of the wrong type is one': [
      'CreateDistributionConfiguration',
      { name: 'here', distributions: [{ region: 'us-east-1', amiDistributionConfiguration: [] }], clientToken: 't' },
    ],
    'a version that is no text is none that cannot be': ['CreateImageRecipe', { ...RECIPE, semanticVersion: 1 }],
    'a role that is wrong is one': [
      'CreateImage',
      {
        ...IMAGE,
        imageRecipeArn: `${ARN_PREFIX}image-recipe/web/1.0.0`,
        executionRole: 'a b',
        workflows: BUILD.workflows,
        loggingConfiguration: { logGroupName: 'mine' },
      },
    ],
    'a filter that is no structure': ['ListImages', { filters: ['name'] }],
  };
  for (const [what, [name, input]] of Object.entries(cases)) {
    it(what, () => assert.equal(refusal(name, input as Record<string, unknown>).length, 1));
  }
});

describe('whatever a member of a request is replaced by', () => {
  /** Paths of everything in a value, the value itself first. */
  function* pathsOf(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
    yield path;
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) yield* pathsOf(member, [...path, key]);
  }

  function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
    if (key === undefined) return by;
    const copy = structuredClone(value) as Record<string, unknown>;
    copy[key] = replaced(copy[key], rest, by);
    return copy;
  }

  const places = Object.entries(CASES).flatMap(([name, [input]]) =>
    [...pathsOf(input)].slice(1).map((path) => ({ name: name as OperationName, input, path })),
  );

  it('it is refused with the error of a bad request, and with no other', () => {
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(null, '', [], {}, [null], [[]], [{}], 1e300),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), anything, ({ name, input, path }, value) => {
        const operation = model.get(name) ?? assert.fail(name);
        const body = JSON.parse(JSON.stringify(replaced(input, path, value)));
        try {
          decodeInput(operation, { labels: {}, query: new URLSearchParams(), body }, (wrong) => check(name, wrong));
        } catch (error) {
          assert.ok(error instanceof AwsError && error.httpStatus === 400, `${name}: ${String(error)}`);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
