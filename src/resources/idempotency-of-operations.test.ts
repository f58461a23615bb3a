/** Client tokens on every operation that has one: concurrent retries, and retries after the service was restarted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModel } from '../contract/model.ts';
import type { OperationName } from '../contract/operations.ts';
import { connectStore } from '../state/open-store.ts';
import { createTestDatabase, silentLog, testDatabaseUrl } from '../state/test-store.ts';
import { ARN_PREFIX, type Call, componentData, DEBIAN_ARN, MANAGED_WORKFLOWS, testService } from './test-service.ts';

const DISTRIBUTIONS = [{ region: 'us-east-1', amiDistributionConfiguration: { description: 'web' } }];
const INFRASTRUCTURE = `${ARN_PREFIX}infrastructure-configuration/infra`;
const PIPELINE = `${ARN_PREFIX}image-pipeline/nightly`;
const PARTS = { imageRecipeArn: `${ARN_PREFIX}image-recipe/web/1.0.0`, infrastructureConfigurationArn: INFRASTRUCTURE };
const RULES = {
  executionRole: 'role',
  resourceType: 'AMI_IMAGE',
  status: 'DISABLED',
  policyDetails: [{ action: { type: 'DEPRECATE' }, filter: { type: 'AGE', value: 1, unit: 'YEARS' } }],
  resourceSelection: { tagMap: { team: 'web' } },
};
const COMPONENT = { name: 'nginx', semanticVersion: '1.0.0', platform: 'Linux' };

/** In an order in which each finds what it needs. */
const REQUESTS: readonly (readonly [OperationName, object])[] = [
  ['CreateComponent', { ...COMPONENT, data: componentData() }],
  ['ImportComponent', { ...COMPONENT, name: 'script', type: 'BUILD', format: 'SHELL', data: 'true' }],
  ['CreateImageRecipe', { name: 'web', semanticVersion: '1.0.x', parentImage: DEBIAN_ARN }],
  [
    'CreateContainerRecipe',
    {
      ...{ name: 'box', semanticVersion: '1.x.0', containerType: 'DOCKER', parentImage: 'debian:12' },
      dockerfileTemplateData: 'FROM {{{ imagebuilder:parentImage }}}',
      targetRepository: { service: 'ECR', repositoryName: 'box' },
    },
  ],
  ['CreateInfrastructureConfiguration', { name: 'infra', instanceProfileName: 'profile' }],
  [
    'UpdateInfrastructureConfiguration',
    { infrastructureConfigurationArn: INFRASTRUCTURE, instanceProfileName: 'other' },
  ],
  ['CreateDistributionConfiguration', { name: 'here', distributions: DISTRIBUTIONS }],
  [
    'UpdateDistributionConfiguration',
    {
      distributionConfigurationArn: `${ARN_PREFIX}distribution-configuration/here`,
      distributions: DISTRIBUTIONS,
    },
  ],
  ['CreateWorkflow', { name: 'check', semanticVersion: '1.0.0', type: 'BUILD', data: MANAGED_WORKFLOWS[0]?.text }],
  ['CreateLifecyclePolicy', { name: 'old', ...RULES }],
  ['UpdateLifecyclePolicy', { lifecyclePolicyArn: `${ARN_PREFIX}lifecycle-policy/old`, ...RULES }],
  ['CreateImagePipeline', { ...PARTS, name: 'nightly' }],
  ['UpdateImagePipeline', { ...PARTS, imagePipelineArn: PIPELINE, description: 'new' }],
  ['CreateImage', PARTS],
  ['StartImagePipelineExecution', { imagePipelineArn: PIPELINE }],
  ['CancelImageCreation', { imageBuildVersionArn: `${ARN_PREFIX}image/web/1.0.0/1` }],
  [
    'StartResourceStateUpdate',
    {
      resourceArn: `${ARN_PREFIX}image/web/1.0.0/1`,
      state: { status: 'DELETED' },
      executionRole: 'role',
      includeResources: { amis: true, snapshots: true },
    },
  ],
];

/** Refused whatever they say, so there is no first answer to repeat. */
const NEVER_SUCCEED: readonly OperationName[] = [
  ...(['CancelLifecycleExecution', 'SendWorkflowStepAction', 'RetryImage'] as const),
  ...(['DistributeImage', 'ImportDiskImage', 'ImportVmImage'] as const),
];

type AnyCall = (input: object) => Promise<object>;

function send(call: Call, operation: OperationName, input: object): Promise<object> {
  return (call[operation] as unknown as AnyCall)({ ...input, clientToken: 'one' });
}

describe('client tokens of all operations that have one', () => {
  it('are tested below, each', () => {
    const having = readModel().filter(({ input }) => input.members.has('clientToken'));
    assert.deepEqual(
      having.map(({ name }) => name).sort(),
      [...REQUESTS.map(([name]) => name), ...NEVER_SUCCEED].sort(),
    );
  });

  it('give concurrent retries one effect and one answer, and so after a restart', async () => {
    const connectionString = await testDatabaseUrl(await createTestDatabase());
    const answers = new Map<OperationName, object>();
    const rowsOf = async (db: Awaited<ReturnType<typeof connectStore>>['db']) =>
      await Promise.all(
        (['resources', 'images', 'lifecycle_executions', 'events'] as const).map(
          async (table) => (await db.selectFrom(table).selectAll().execute()).length,
        ),
      );
    let before: number[];
    {
      await using store = await connectStore({ connectionString }, silentLog);
      const { call } = testService(store);
      for (const [operation, input] of REQUESTS) {
        const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => send(call, operation, input)));
        assert.ok(first);
        for (const other of others) assert.deepEqual(other, first, operation);
        answers.set(operation, first);
      }
      before = await rowsOf(store.db);
      assert.deepEqual(before.slice(0, 3), [9, 2, 1]);
    }
    await using store = await connectStore({ connectionString }, silentLog);
    const { call } = testService(store);
    for (const [operation, input] of REQUESTS) {
      assert.deepEqual(await send(call, operation, input), answers.get(operation), operation);
      await assert.rejects(send(call, operation, { ...input, description: 'another' }), {
        name: 'IdempotentParameterMismatchException',
      });
    }
    assert.deepEqual(await rowsOf(store.db), before);
  });
});
