import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AwsError, invalidParameter } from '../contract/errors.ts';
import type { Store } from '../state/open-store.ts';
import { openTestStore } from '../state/test-store.ts';
import { RequestProblems } from './request-problems.ts';
import { ARN_PREFIX, type Call, componentData, DEBIAN_ARN, testService, token } from './test-service.ts';

const VALID = {
  component: { name: 'c', semanticVersion: '1.0.0', platform: 'Linux' as const },
  recipe: { name: 'web', semanticVersion: '1.0.0', parentImage: DEBIAN_ARN },
};

interface Case {
  readonly ask: (call: Call) => Promise<unknown>;
  readonly error: string;
  /** The members that the answer names, in its order. */
  readonly members: readonly string[];
}

const UNKNOWN = `${ARN_PREFIX}component/none/1.0.0/1`;

const WORKFLOW = (output: string): string => `
schemaVersion: 1.0
parameters:
  - name: size
    type: integer
steps:
  - name: Launch
    action: LaunchInstance
    inputs: { waitFor: ssmAgent }
outputs:
  - name: ${output}
    value: $.stepOutputs.Launch.instanceId
`;

/** A request for a build in which nothing fits: no parts, and two build workflows that do not go together. */
async function misfits(call: Call) {
  const make = (name: string) =>
    call.CreateWorkflow({ name, semanticVersion: '1.0.0', type: 'BUILD', data: WORKFLOW('made'), ...token() });
  const { clientToken: name } = token();
  const [one, other] = [await make(`one-${name}`), await make(`other-${name}`)];
  return {
    imageRecipeArn: `${ARN_PREFIX}image-recipe/none/1.0.0`,
    infrastructureConfigurationArn: `${ARN_PREFIX}infrastructure-configuration/none`,
    distributionConfigurationArn: `${ARN_PREFIX}distribution-configuration/none`,
    imageScanningConfiguration: { imageScanningEnabled: true },
    workflows: [
      { workflowArn: one.workflowBuildVersionArn ?? '', onFailure: 'CONTINUE' as const },
      { workflowArn: other.workflowBuildVersionArn ?? '', parameters: [{ name: 'size', value: ['large'] }] },
    ],
    ...token(),
  };
}

const MISFITS = [
  ...['imageRecipeArn', 'infrastructureConfigurationArn', 'distributionConfigurationArn'],
  ...['workflows', 'workflows[0].onFailure', 'workflows[0].parameters', 'workflows[1].parameters[0]'],
  'workflows[1].workflowArn',
];
const PIPELINE_SETTINGS = {
  schedule: { scheduleExpression: 'every day' },
  loggingConfiguration: { imageLogGroupName: 'mine', pipelineLogGroupName: 'ours' },
};
const PIPELINE_MISFITS = [
  ...['imageScanningConfiguration.imageScanningEnabled', 'executionRole', 'schedule'],
  ...['loggingConfiguration.imageLogGroupName', 'loggingConfiguration.pipelineLogGroupName'],
];

const CASES: Record<string, Case> = {
  'CreateComponent: kmsKeyId, version and document': {
    ask: (call) =>
      call.CreateComponent({
        ...VALID.component,
        ...{ semanticVersion: '1.0.9999999999', kmsKeyId: 'key', data: 'nonsense', ...token() },
      }),
    error: 'InvalidRequestException',
    members: ['kmsKeyId', 'semanticVersion', 'data'],
  },
  'ImportComponent: kmsKeyId, and neither data nor uri': {
    ask: (call) =>
      call.ImportComponent({
        ...VALID.component,
        ...{ type: 'BUILD', format: 'SHELL', kmsKeyId: 'key', ...token() },
      }),
    error: 'InvalidRequestException',
    members: ['kmsKeyId', 'data'],
  },
  'CreateImageRecipe: volumes, version, parent, components and their parameters': {
    ask: async (call) => {
      const parameters = 'parameters:\n  - Port:\n      type: string\n      description: x';
      const data = componentData('hello', 'build', parameters);
      const { componentBuildVersionArn: known = '' } = await call.CreateComponent({
        ...{ ...VALID.component, name: 'known', data, ...token() },
      });
      return call.CreateImageRecipe({
        ...{ ...VALID.recipe, semanticVersion: 'x.0.x', parentImage: 'ami-00000000000000009', ...token() },
        blockDeviceMappings: [
          { deviceName: '/dev/sdb', ebs: { volumeType: 'io1' } },
          { deviceName: '/dev/sdb', ebs: { volumeSize: 1, throughput: 200 } },
        ],
        components: [
          { componentArn: UNKNOWN },
          { componentArn: known, parameters: [{ name: 'Prot', value: ['1'] }] },
          { componentArn: UNKNOWN.replace('1.0.0', '2.0.0') },
        ],
      });
    },
    error: 'InvalidParameterValueException',
    members: [
      'blockDeviceMappings[0].ebs.volumeSize',
      'blockDeviceMappings[0].ebs.iops',
      'blockDeviceMappings[1].deviceName',
      'blockDeviceMappings[1].ebs.throughput',
      'semanticVersion',
      'components[2].componentArn',
      'parentImage',
      'components[0].componentArn',
      'components[1].parameters',
      'components[1].parameters',
      'components[2].componentArn',
    ],
  },
  'CreateContainerRecipe: platform, parent, template and components': {
    ask: (call) =>
      call.CreateContainerRecipe({
        ...{ name: 'box', semanticVersion: '1.0.0', containerType: 'DOCKER', parentImage: 'ami-00000000000000009' },
        ...{ platformOverride: 'macOS', dockerfileTemplateData: '{{{ imagebuilder:a }}} {{{ imagebuilder:b }}}' },
        ...{ targetRepository: { service: 'ECR', repositoryName: 'r' }, ...token() },
        components: [{ componentArn: UNKNOWN }],
      }),
    error: 'InvalidParameterValueException',
    members: [
      'parentImage',
      'platformOverride',
      'dockerfileTemplateData',
      'dockerfileTemplateData',
      'dockerfileTemplateData',
      'components[0].componentArn',
    ],
  },
  'CreateInfrastructureConfiguration: what Kiln does not have, reserved tags and the topic': {
    ask: (call) =>
      call.CreateInfrastructureConfiguration({
        ...{ name: 'i', instanceProfileName: 'profile', subnetId: 'subnet-1', keyPair: 'key', ...token() },
        resourceTags: { Name: 'a', CreatedBy: 'b', mine: 'c' },
        snsTopicArn: 'arn:aws:sns:us-east-1:123456789012:none',
      }),
    error: 'InvalidRequestException',
    members: ['subnetId', 'keyPair', 'resourceTags', 'resourceTags', 'snsTopicArn'],
  },
  'CreateDistributionConfiguration: every distribution': {
    ask: (call) =>
      call.CreateDistributionConfiguration({
        ...{ name: 'd', ...token() },
        distributions: [
          {
            region: 'us-east-1',
            amiDistributionConfiguration: { name: 'no date', amiTags: { a: '{{ imagebuilder:x }}' } },
          },
          { region: 'us-east-1' },
        ],
      }),
    error: 'InvalidParameterValueException',
    members: [
      'distributions[0].amiDistributionConfiguration.name',
      "distributions[0].amiDistributionConfiguration.amiTags['a']",
      'distributions[1].region',
      'distributions[1]',
    ],
  },
  'CreateLifecyclePolicy: rules, selection and status': {
    ask: (call) =>
      call.CreateLifecyclePolicy({
        ...{ name: 'p', executionRole: 'role', resourceType: 'CONTAINER_IMAGE', ...token() },
        policyDetails: [{ action: { type: 'DISABLE' }, filter: { type: 'COUNT', value: 1, unit: 'DAYS' } }],
        resourceSelection: { recipes: [{ name: 'web', semanticVersion: 'x.1.x' }], tagMap: { a: 'b' } },
      }),
    error: 'InvalidParameterCombinationException',
    members: [
      'policyDetails[0].action.type',
      'policyDetails[0].filter.type',
      'policyDetails[0].filter.unit',
      'resourceSelection',
      'resourceSelection.recipes[0].semanticVersion',
      'status',
    ],
  },
  'StartResourceStateUpdate: companions': {
    ask: (call) =>
      call.StartResourceStateUpdate({
        resourceArn: `${ARN_PREFIX}image/web/1.0.0/1`,
        state: { status: 'DEPRECATED' },
        includeResources: { amis: true, snapshots: true },
        updateAt: new Date(),
        ...token(),
      }),
    error: 'InvalidRequestException',
    members: ['updateAt', 'includeResources', 'includeResources', 'includeResources.amis', 'resourceArn'],
  },
  'CreateWorkflow: kmsKeyId, version and document': {
    ask: (call) =>
      call.CreateWorkflow({
        ...{
          name: 'w',
          semanticVersion: '1.0.9999999999',
          type: 'TEST',
          kmsKeyId: 'key',
          data: 'nonsense',
          ...token(),
        },
      }),
    error: 'InvalidRequestException',
    members: ['kmsKeyId', 'semanticVersion', 'data'],
  },
  'CreateImage: what Kiln does not have, log group, what is not there, and every workflow': {
    ask: async (call) => call.CreateImage({ ...(await misfits(call)), loggingConfiguration: { logGroupName: 'mine' } }),
    error: 'InvalidRequestException',
    members: [
      ...['imageScanningConfiguration.imageScanningEnabled', 'executionRole', 'loggingConfiguration.logGroupName'],
      ...MISFITS,
    ],
  },
  'CreateImagePipeline: schedule and log groups as well': {
    ask: async (call) => call.CreateImagePipeline({ ...(await misfits(call)), name: 'nightly', ...PIPELINE_SETTINGS }),
    error: 'InvalidRequestException',
    members: [...PIPELINE_MISFITS, ...MISFITS],
  },
  'UpdateImagePipeline: the pipeline as well': {
    ask: async (call) =>
      call.UpdateImagePipeline({
        ...(await misfits(call)),
        imagePipelineArn: `${ARN_PREFIX}image-pipeline/none`,
        ...PIPELINE_SETTINGS,
      }),
    error: 'InvalidRequestException',
    members: [...PIPELINE_MISFITS, 'imagePipelineArn', ...MISFITS],
  },
  'UpdateInfrastructureConfiguration: settings and the configuration': {
    ask: (call) =>
      call.UpdateInfrastructureConfiguration({
        ...{ infrastructureConfigurationArn: `${ARN_PREFIX}infrastructure-configuration/none`, ...token() },
        ...{ instanceProfileName: 'profile', keyPair: 'key', snsTopicArn: 'arn:aws:sns:us-east-1:123456789012:none' },
      }),
    error: 'InvalidRequestException',
    members: ['keyPair', 'snsTopicArn', 'infrastructureConfigurationArn'],
  },
  'UpdateDistributionConfiguration: distributions and the configuration': {
    ask: (call) =>
      call.UpdateDistributionConfiguration({
        ...{ distributionConfigurationArn: `${ARN_PREFIX}distribution-configuration/none`, ...token() },
        distributions: [{ region: 'us-east-1' }],
      }),
    error: 'InvalidParameterValueException',
    members: ['distributions[0]', 'distributionConfigurationArn'],
  },
  'UpdateLifecyclePolicy: rules and a resource type that it has not': {
    ask: async (call) => {
      const policy = {
        ...({ executionRole: 'role', resourceType: 'AMI_IMAGE', status: 'DISABLED' } as const),
        policyDetails: [{ action: { type: 'DISABLE' }, filter: { type: 'AGE', value: 1, unit: 'DAYS' } }],
        resourceSelection: { tagMap: { a: 'b' } },
      } satisfies Partial<Parameters<Call['CreateLifecyclePolicy']>[0]>;
      const { lifecyclePolicyArn = '' } = await call.CreateLifecyclePolicy({ ...policy, name: 'old', ...token() });
      return call.UpdateLifecyclePolicy({ ...policy, lifecyclePolicyArn, resourceType: 'CONTAINER_IMAGE', ...token() });
    },
    error: 'InvalidParameterCombinationException',
    members: ['policyDetails[0].action.type', 'resourceType'],
  },
  'PutContainerRecipePolicy: ARN and policy': {
    ask: (call) =>
      call.PutContainerRecipePolicy({ containerRecipeArn: `${ARN_PREFIX}container-recipe/box/1.x.x`, policy: '[]' }),
    error: 'InvalidParameterValueException',
    members: ['containerRecipeArn', 'policy'],
  },
  'ListWorkflows: owner, byName and filters': {
    ask: (call) =>
      call.ListWorkflows({
        ...{ owner: 'Shared', byName: true },
        filters: [
          { name: 'version', values: ['1.x.x'] },
          { name: 'none', values: ['x'] },
        ],
      }),
    error: 'InvalidParameterValueException',
    members: ['owner', 'byName', 'filters[1].name'],
  },
  'ListComponents: every filter': {
    ask: (call) =>
      call.ListComponents({
        filters: [{ name: 'nmae', values: ['x'] }, { name: 'name', values: [] }, { values: [] }],
      }),
    error: 'InvalidParameterValueException',
    members: ['filters[0].name', 'filters[1].values', 'filters[2].name', 'filters[2].values'],
  },
};

describe('one answer tells all that is wrong with', () => {
  let store: Store;
  before(async () => {
    store = await openTestStore();
  });
  after(() => store.close());
  for (const [what, { ask, error: name, members }] of Object.entries(CASES)) {
    it(what, async () => {
      await assert.rejects(ask(testService(store).call), (error: Error) => {
        assert.equal(error.name, name);
        const told = error.message.split('\n').flatMap((line) => {
          const [, member] =
            /(?:parameter|parameters|support) '([\w.]+(?:\[[^\]]*\][\w.]*)*)'|\((components[^)]*)\)\./.exec(line) ?? [];
          const [, where] = /does not exist \(([^)]+)\)/.exec(line) ?? [];
          return member ?? where ?? (line.includes("'status'") ? 'status' : []);
        });
        assert.deepEqual(told, members, error.message);
        return true;
      });
    });
  }
});

describe('a request that is as large as the service takes', () => {
  it('is refused without a look at each of its components', async () => {
    await using store = await openTestStore();
    let queries = 0;
    const { call } = testService(
      store,
      {},
      { componentsPerImageRecipe: 100_000 },
      {
        db: store.db.withPlugin({
          transformQuery: ({ node }) => {
            queries++;
            return node;
          },
          transformResult: async ({ result }) => result,
        }),
      },
    );
    const components = Array.from({ length: 10_000 }, (_, index) => ({
      componentArn: `${ARN_PREFIX}component/c-${index}/1.0.0/1`,
    }));
    await assert.rejects(call.CreateImageRecipe({ ...VALID.recipe, components, ...token() }), {
      name: 'ResourceNotFoundException',
      message: /There are 1 more problems\.$/,
    });
    assert.ok(queries < 100, `${queries} queries`);
  });

  it('may have more values than a function has arguments', async () => {
    await using store = await openTestStore();
    const parameters = [{ name: 'a', value: Array.from({ length: 200_000 }, () => 'x') }];
    const components = [{ componentArn: UNKNOWN, parameters }];
    const { call } = testService(store);
    await assert.rejects(call.CreateImageRecipe({ ...VALID.recipe, components, ...token() }), {
      name: 'InvalidParameterValueException',
      message: /A list of exactly one value is allowed, not of 200000/,
    });
  });
});

describe('a list of problems', () => {
  it('has the error of the first, each text once, and twenty at most', async () => {
    const problems = new RequestProblems();
    problems.throwIfAny();
    problems.attempt(() => {
      throw new AwsError('InvalidVersionNumberException', 'first');
    });
    for (const number of Array.from({ length: 30 }, (_, index) => index % 25)) {
      problems.add(invalidParameter(`m${number}`, 'wrong'));
    }
    assert.throws(
      () => problems.throwIfAny(),
      (error: Error) => {
        assert.equal(error.name, 'InvalidVersionNumberException');
        const lines = error.message.split('\n');
        assert.deepEqual([lines[0], lines.length, lines.at(-1)], ['first', 21, 'There are 6 more problems.']);
        return true;
      },
    );
  });

  it('does not hide what is no refusal', async () => {
    const problems = new RequestProblems();
    const fault = new Error('the database is away');
    await assert.rejects(
      problems.collect(async () => {
        throw fault;
      }),
      fault,
    );
    assert.equal(await problems.collect(async () => 7), 7);
  });
});
