/** A request of every operation that makes or changes something, each of which succeeds once those before it have. */
import type { OperationName } from '../contract/operations.ts';
import { ARN_PREFIX, type Call, componentData, DEBIAN_ARN, MANAGED_WORKFLOWS } from './test-service.ts';

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
export const REQUESTS: readonly (readonly [OperationName, object])[] = [
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

type AnyCall = (input: object) => Promise<object>;

/** For requests in tables, whose types are not known. */
export function send(call: Call, operation: OperationName, input: object): Promise<object> {
  return (call[operation] as unknown as AnyCall)(input);
}

/** Carries out the requests up to and without the first one of an operation. */
export async function makeAllBefore(call: Call, operation: OperationName): Promise<void> {
  for (const [name, input] of REQUESTS) {
    if (name === operation) return;
    await send(call, name, { ...input, clientToken: `for ${name}` });
  }
}
