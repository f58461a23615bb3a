/**
 * Which constraint holds for which member of each operation's request; structures.ts says the same for the structures
 * inside. Required members are the SDK schemas' to say.
 */
import type { OperationName } from '../operations.ts';
import type { MemberRules } from './rules.ts';

const CLIENT_TOKEN = { clientToken: 'ClientToken' } as const;
const PAGE = { maxResults: 'RestrictedInteger', nextToken: 'PaginationToken' } as const;
const FILTERED_PAGE = { ...PAGE, filters: 'FilterList' } as const;
const OWNED_PAGE = { ...FILTERED_PAGE, owner: 'Ownership' } as const;
const POLICY = { policy: 'ResourcePolicyDocument' } as const;

const NAMED = { ...CLIENT_TOKEN, name: 'ResourceName', description: 'NonEmptyString', tags: 'TagMap' } as const;
const DOCUMENT = {
  ...NAMED,
  semanticVersion: 'VersionNumber',
  changeDescription: 'NonEmptyString',
  kmsKeyId: 'NonEmptyString',
} as const;
const IMPORTED_IMAGE = { ...NAMED, semanticVersion: 'VersionNumber', osVersion: 'OsVersion' } as const;
const RECIPE = {
  ...NAMED,
  semanticVersion: 'WildcardVersionNumber',
  components: 'AtLeastOne',
  parentImage: 'NonEmptyString',
  workingDirectory: 'NonEmptyString',
} as const;
const BUILD = {
  ...CLIENT_TOKEN,
  imageRecipeArn: 'ImageRecipeArn',
  containerRecipeArn: 'ContainerRecipeArn',
  infrastructureConfigurationArn: 'InfrastructureConfigurationArn',
  distributionConfigurationArn: 'DistributionConfigurationArn',
  executionRole: 'RoleNameOrArn',
} as const;
const PIPELINE = { ...BUILD, description: 'NonEmptyString', status: 'PipelineStatus', imageTags: 'TagMap' } as const;
const INFRASTRUCTURE = {
  ...CLIENT_TOKEN,
  description: 'NonEmptyString',
  instanceProfileName: 'InstanceProfileNameType',
  securityGroupIds: 'StringList',
  subnetId: 'NonEmptyString',
  keyPair: 'NonEmptyString',
  snsTopicArn: 'SnsTopicArn',
  resourceTags: 'ResourceTagMap',
} as const;
const LIFECYCLE_POLICY = {
  ...CLIENT_TOKEN,
  description: 'NonEmptyString',
  status: 'LifecyclePolicyStatus',
  executionRole: 'RoleNameOrArn',
  resourceType: 'LifecyclePolicyResourceType',
  policyDetails: 'LifecyclePolicyDetails',
} as const;

export const REQUESTS = {
  CancelImageCreation: { ...CLIENT_TOKEN, imageBuildVersionArn: 'ImageBuildVersionArn' },
  CancelLifecycleExecution: { ...CLIENT_TOKEN, lifecycleExecutionId: 'LifecycleExecutionId' },
  CreateComponent: {
    ...DOCUMENT,
    platform: 'Platform',
    supportedOsVersions: 'OsVersionList',
    data: 'InlineDocument',
  },
  CreateContainerRecipe: {
    ...RECIPE,
    containerType: 'ContainerType',
    dockerfileTemplateData: 'InlineDocument',
    platformOverride: 'Platform',
    imageOsVersionOverride: 'NonEmptyString',
    kmsKeyId: 'NonEmptyString',
  },
  CreateDistributionConfiguration: NAMED,
  CreateImage: { ...BUILD, tags: 'TagMap' },
  CreateImagePipeline: { ...PIPELINE, ...NAMED },
  CreateImageRecipe: { ...RECIPE, amiTags: 'TagMap', amiWatermarks: 'AmiWatermarksList' },
  CreateInfrastructureConfiguration: { ...INFRASTRUCTURE, ...NAMED },
  CreateLifecyclePolicy: { ...LIFECYCLE_POLICY, ...NAMED },
  CreateWorkflow: { ...DOCUMENT, data: 'InlineDocument', type: 'WorkflowType' },
  DeleteComponent: { componentBuildVersionArn: 'ComponentBuildVersionArn' },
  DeleteContainerRecipe: { containerRecipeArn: 'ContainerRecipeArn' },
  DeleteDistributionConfiguration: { distributionConfigurationArn: 'DistributionConfigurationArn' },
  DeleteImage: { imageBuildVersionArn: 'ImageBuildVersionArn' },
  DeleteImagePipeline: { imagePipelineArn: 'ImagePipelineArn' },
  DeleteImageRecipe: { imageRecipeArn: 'ImageRecipeArn' },
  DeleteInfrastructureConfiguration: { infrastructureConfigurationArn: 'InfrastructureConfigurationArn' },
  DeleteLifecyclePolicy: { lifecyclePolicyArn: 'LifecyclePolicyArn' },
  DeleteWorkflow: { workflowBuildVersionArn: 'WorkflowBuildVersionArn' },
  DistributeImage: {
    ...CLIENT_TOKEN,
    sourceImage: 'NonEmptyString',
    distributionConfigurationArn: 'DistributionConfigurationArn',
    executionRole: 'RoleNameOrArn',
    tags: 'TagMap',
  },
  GetComponent: { componentBuildVersionArn: 'ComponentVersionArnOrBuildVersionArn' },
  GetComponentPolicy: { componentArn: 'ComponentBuildVersionArn' },
  GetContainerRecipe: { containerRecipeArn: 'ContainerRecipeArn' },
  GetContainerRecipePolicy: { containerRecipeArn: 'ContainerRecipeArn' },
  GetDistributionConfiguration: { distributionConfigurationArn: 'DistributionConfigurationArn' },
  GetImage: { imageBuildVersionArn: 'ImageVersionArnOrBuildVersionArn' },
  GetImagePipeline: { imagePipelineArn: 'ImagePipelineArn' },
  GetImagePolicy: { imageArn: 'ImageBuildVersionArn' },
  GetImageRecipe: { imageRecipeArn: 'ImageRecipeArn' },
  GetImageRecipePolicy: { imageRecipeArn: 'ImageRecipeArn' },
  GetInfrastructureConfiguration: { infrastructureConfigurationArn: 'InfrastructureConfigurationArn' },
  GetLifecycleExecution: { lifecycleExecutionId: 'LifecycleExecutionId' },
  GetLifecyclePolicy: { lifecyclePolicyArn: 'LifecyclePolicyArn' },
  GetMarketplaceResource: {
    resourceType: 'MarketplaceResourceType',
    resourceArn: 'ImageBuilderArn',
    resourceLocation: 'MarketplaceResourceLocation',
  },
  GetWorkflow: { workflowBuildVersionArn: 'WorkflowVersionArnOrBuildVersionArn' },
  GetWorkflowExecution: { workflowExecutionId: 'WorkflowExecutionId' },
  GetWorkflowStepExecution: { stepExecutionId: 'WorkflowStepExecutionId' },
  ImportComponent: {
    ...DOCUMENT,
    type: 'ComponentType',
    format: 'ComponentFormat',
    platform: 'Platform',
    data: 'NonEmptyString',
  },
  ImportDiskImage: {
    ...IMPORTED_IMAGE,
    platform: 'NonEmptyString',
    executionRole: 'RoleNameOrArn',
    infrastructureConfigurationArn: 'InfrastructureConfigurationArn',
  },
  ImportVmImage: { ...IMPORTED_IMAGE, name: 'NonEmptyString', platform: 'Platform', vmImportTaskId: 'NonEmptyString' },
  ListComponentBuildVersions: { ...PAGE, componentVersionArn: 'ComponentVersionArn' },
  ListComponents: OWNED_PAGE,
  ListContainerRecipes: OWNED_PAGE,
  ListDistributionConfigurations: FILTERED_PAGE,
  ListImageBuildVersions: { ...FILTERED_PAGE, imageVersionArn: 'ImageVersionArn' },
  ListImagePackages: { ...PAGE, imageBuildVersionArn: 'ImageBuildVersionArn' },
  ListImagePipelineImages: { ...FILTERED_PAGE, imagePipelineArn: 'ImagePipelineArn' },
  ListImagePipelines: FILTERED_PAGE,
  ListImageRecipes: OWNED_PAGE,
  ListImageScanFindingAggregations: { nextToken: 'PaginationToken' },
  ListImageScanFindings: { ...PAGE, filters: 'ImageScanFindingsFilterList' },
  ListImages: OWNED_PAGE,
  ListInfrastructureConfigurations: FILTERED_PAGE,
  ListLifecycleExecutionResources: {
    ...PAGE,
    lifecycleExecutionId: 'LifecycleExecutionId',
    parentResourceId: 'NonEmptyString',
  },
  ListLifecycleExecutions: { ...PAGE, resourceArn: 'ImageBuilderArn' },
  ListLifecyclePolicies: FILTERED_PAGE,
  ListTagsForResource: { resourceArn: 'ImageBuilderArn' },
  ListWaitingWorkflowSteps: PAGE,
  ListWorkflowBuildVersions: { ...PAGE, workflowVersionArn: 'WorkflowWildcardVersionArn' },
  ListWorkflowExecutions: { ...PAGE, imageBuildVersionArn: 'ImageBuildVersionArn' },
  ListWorkflowStepExecutions: { ...PAGE, workflowExecutionId: 'WorkflowExecutionId' },
  ListWorkflows: OWNED_PAGE,
  PutComponentPolicy: { ...POLICY, componentArn: 'ComponentBuildVersionArn' },
  PutContainerRecipePolicy: { ...POLICY, containerRecipeArn: 'ContainerRecipeArn' },
  PutImagePolicy: { ...POLICY, imageArn: 'ImageBuildVersionArn' },
  PutImageRecipePolicy: { ...POLICY, imageRecipeArn: 'ImageRecipeArn' },
  RetryImage: { ...CLIENT_TOKEN, imageBuildVersionArn: 'ImageBuildVersionArn' },
  SendWorkflowStepAction: {
    ...CLIENT_TOKEN,
    stepExecutionId: 'WorkflowStepExecutionId',
    imageBuildVersionArn: 'ImageBuildVersionArn',
    action: 'WorkflowStepActionType',
    reason: 'NonEmptyString',
  },
  StartImagePipelineExecution: { ...CLIENT_TOKEN, imagePipelineArn: 'ImagePipelineArn', tags: 'TagMap' },
  StartResourceStateUpdate: {
    ...CLIENT_TOKEN,
    resourceArn: 'ImageBuildVersionArn',
    executionRole: 'RoleNameOrArn',
  },
  TagResource: { resourceArn: 'ImageBuilderArn', tags: 'TagMap' },
  UntagResource: { resourceArn: 'ImageBuilderArn', tagKeys: 'TagKeyList' },
  UpdateDistributionConfiguration: {
    ...CLIENT_TOKEN,
    distributionConfigurationArn: 'DistributionConfigurationArn',
    description: 'NonEmptyString',
  },
  UpdateImagePipeline: { ...PIPELINE, imagePipelineArn: 'ImagePipelineArn' },
  UpdateInfrastructureConfiguration: {
    ...INFRASTRUCTURE,
    infrastructureConfigurationArn: 'InfrastructureConfigurationArn',
  },
  UpdateLifecyclePolicy: { ...LIFECYCLE_POLICY, lifecyclePolicyArn: 'LifecyclePolicyArn' },
} as const satisfies Record<OperationName, MemberRules>;
