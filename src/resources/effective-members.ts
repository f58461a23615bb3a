/** What Kiln does with the members of requests: the counterpart of unsupported-members.ts. */
import type { Shape } from '../contract/model.types.ts';
import type { OperationName } from '../contract/operations.ts';

const BUILD = [
  'imageRecipeArn',
  'infrastructureConfigurationArn',
  'distributionConfigurationArn',
  'imageTestsConfiguration.imageTestsEnabled',
  'enhancedImageMetadataEnabled',
  'workflows',
];
const CREATE = ['name', 'description', 'tags', 'clientToken', 'dryRun'];
const PIPELINE = [
  ...BUILD,
  'imageTags',
  'status',
  'schedule.scheduleExpression',
  'schedule.timezone',
  'schedule.pipelineExecutionStartCondition',
  'schedule.autoDisablePolicy.failureCount',
  'loggingConfiguration.imageLogGroupName',
  'loggingConfiguration.pipelineLogGroupName',
];
const INFRASTRUCTURE = ['instanceTypes', 'terminateInstanceOnFailure', 'snsTopicArn'];
const DISTRIBUTION = [
  'distributions[].region',
  'distributions[].amiDistributionConfiguration.name',
  'distributions[].amiDistributionConfiguration.description',
  'distributions[].amiDistributionConfiguration.amiTags',
  'distributions[].amiDistributionConfiguration.launchPermission',
  'distributions[].ssmParameterConfigurations[].parameterName',
  'distributions[].ssmParameterConfigurations[].dataType',
];
/**
 * What has its effect, per operation that makes or changes something. A member that is in none of the three tables fails
 * a test: it has to be decided what becomes of it. Of all other operations, every member has its effect.
 */
export const EFFECTIVE_MEMBERS: { readonly [Name in OperationName]?: readonly string[] } = {
  CreateComponent: [
    ...CREATE,
    'semanticVersion',
    'changeDescription',
    'platform',
    'supportedOsVersions',
    'data',
    'uri',
  ],
  CreateImageRecipe: [
    ...CREATE,
    'semanticVersion',
    'components[].componentArn',
    'components[].parameters[].name',
    'components[].parameters[].value[]',
    'parentImage',
    'blockDeviceMappings[].deviceName',
    'blockDeviceMappings[].ebs.volumeSize',
    'workingDirectory',
    'additionalInstanceConfiguration.userDataOverride',
    'amiTags',
  ],
  CreateInfrastructureConfiguration: [...CREATE, ...INFRASTRUCTURE],
  UpdateInfrastructureConfiguration: [
    ...INFRASTRUCTURE,
    'infrastructureConfigurationArn',
    'description',
    'clientToken',
  ],
  CreateDistributionConfiguration: [...CREATE, ...DISTRIBUTION],
  UpdateDistributionConfiguration: [...DISTRIBUTION, 'distributionConfigurationArn', 'description', 'clientToken'],
  CreateImagePipeline: [...CREATE, ...PIPELINE],
  UpdateImagePipeline: [...PIPELINE, 'imagePipelineArn', 'description', 'clientToken'],
  CreateImage: [...BUILD, 'loggingConfiguration.logGroupName', 'tags', 'clientToken'],
  StartImagePipelineExecution: ['imagePipelineArn', 'tags', 'clientToken'],
  ImportComponent: [
    ...['name', 'description', 'tags', 'clientToken', 'semanticVersion', 'changeDescription', 'type', 'format'],
    ...['platform', 'data', 'uri'],
  ],
  CreateWorkflow: [...CREATE, 'semanticVersion', 'changeDescription', 'type', 'data', 'uri'],
  CreateContainerRecipe: [...CREATE, 'semanticVersion'],
  CreateLifecyclePolicy: [...CREATE, 'status'],
  UpdateLifecyclePolicy: ['lifecyclePolicyArn', 'description', 'status', 'clientToken'],
  StartResourceStateUpdate: ['resourceArn', 'state.status', 'includeResources', 'clientToken'],
};

/** Paths of all members that hold a value; maps are values. */
export function membersOf(shape: Shape, path = ''): string[] {
  if (shape.kind === 'list') return membersOf(shape.element, `${path}[]`);
  if (shape.kind !== 'structure') return [path];
  return [...shape.members.values()].flatMap((member) =>
    membersOf(member.shape, path === '' ? member.name : `${path}.${member.name}`),
  );
}

/** Whether `path` is the member or one that it is in. */
export function coveredBy(path: string, leaf: string): boolean {
  return leaf === path || leaf.startsWith(`${path}.`) || leaf.startsWith(`${path}[]`);
}
