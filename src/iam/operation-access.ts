/**
 * What a principal must be allowed for each operation: on which resource the action of the same name is checked, and
 * which further actions are. Source: Service Authorization Reference, "Actions, resources, and condition keys for
 * Amazon EC2 Image Builder".
 */
import type { OperationName } from '../contract/operations.ts';

export interface OperationAccess {
  readonly level: AccessLevel;
  /** Where the ARNs of the resources are in a request; all of them are checked. None: the action has no resource. */
  readonly on: readonly ResourceSource[];
  readonly also: readonly FurtherCheck[];
  /** The member with tags: they are what `aws:RequestTag` speaks of, and giving some needs TagResource as well. */
  readonly tags?: 'tags' | 'imageTags';
}

export type AccessLevel = 'Read' | 'List' | 'Write' | 'Tagging' | 'Permissions management';

/** How a request tells an ARN. Paths go through lists: `components[].componentArn`. */
export type ResourceSource =
  /** A member that is an ARN. What is not one (an AMI id as parent image) is no resource of Image Builder. */
  | { readonly from: 'arn'; readonly path: string }
  /** A resource that will be made from `name` and, where it has one, `semanticVersion`. */
  | { readonly from: 'name'; readonly kind: string; readonly versioned: boolean; readonly builds: boolean }
  /** The image that will be made from a recipe. */
  | { readonly from: 'recipe' }
  /** All builds of a version, or of everything when it is left out. */
  | { readonly from: 'builds'; readonly kind: string; readonly path: string }
  /** An execution, whose ARN is made from its id. */
  | { readonly from: 'id'; readonly kind: string; readonly path: string }
  /** The values of a filter. */
  | { readonly from: 'filter'; readonly name: string };

export type FurtherCheck =
  | { readonly action: string; readonly path: string }
  /** A role, as ARN or name. */
  | { readonly action: 'iam:PassRole'; readonly path: string; readonly to: string }
  /** An instance profile by its name. */
  | { readonly action: 'iam:GetInstanceProfile'; readonly path: string };

const arn = (path: string): ResourceSource => ({ from: 'arn', path });
const id = (kind: string, path: string): ResourceSource => ({ from: 'id', kind, path });
const named = (kind: string): ResourceSource => ({ from: 'name', kind, versioned: false, builds: false });
const versioned = (kind: string, builds = false): ResourceSource => ({ from: 'name', kind, versioned: true, builds });

const access = (level: AccessLevel, on: readonly ResourceSource[], also: readonly FurtherCheck[] = []) => ({
  level,
  on,
  also,
});
const read = (...on: ResourceSource[]) => access('Read', on);
const list = (...on: ResourceSource[]) => access('List', on);
const write = (on: ResourceSource, ...also: FurtherCheck[]) => access('Write', [on], also);
const permissions = (on: ResourceSource) => access('Permissions management', [on]);
const create = (on: ResourceSource, ...also: FurtherCheck[]) => ({ ...write(on, ...also), tags: 'tags' as const });

const passRole = (path: string, service: string): FurtherCheck => ({
  action: 'iam:PassRole',
  path,
  to: `${service}.amazonaws.com`,
});
const passExecutionRole = passRole('executionRole', 'imagebuilder');

const recipeParts: readonly FurtherCheck[] = [
  { action: 'imagebuilder:GetComponent', path: 'components[].componentArn' },
  { action: 'imagebuilder:GetImage', path: 'parentImage' },
];
const buildParts: readonly FurtherCheck[] = [
  { action: 'imagebuilder:GetImageRecipe', path: 'imageRecipeArn' },
  { action: 'imagebuilder:GetContainerRecipe', path: 'containerRecipeArn' },
  { action: 'imagebuilder:GetInfrastructureConfiguration', path: 'infrastructureConfigurationArn' },
  { action: 'imagebuilder:GetDistributionConfiguration', path: 'distributionConfigurationArn' },
  { action: 'imagebuilder:GetWorkflow', path: 'workflows[].workflowArn' },
  passExecutionRole,
];
/** The role of an instance profile is taken to have the profile's name, as in all profiles that consoles make. */
const instanceProfile: readonly FurtherCheck[] = [
  { action: 'iam:GetInstanceProfile', path: 'instanceProfileName' },
  passRole('instanceProfileName', 'ec2'),
];
const exportRole = passRole('distributions[].s3ExportConfiguration.roleName', 'vmie');

export const OPERATION_ACCESS: Readonly<Record<OperationName, OperationAccess>> = {
  CancelImageCreation: write(arn('imageBuildVersionArn')),
  CancelLifecycleExecution: write(id('lifecycle-execution', 'lifecycleExecutionId')),
  CreateComponent: create(versioned('component', true)),
  CreateContainerRecipe: create(versioned('container-recipe'), ...recipeParts),
  CreateDistributionConfiguration: create(named('distribution-configuration'), exportRole),
  CreateImage: create({ from: 'recipe' }, ...buildParts),
  CreateImagePipeline: create(named('image-pipeline'), ...buildParts),
  CreateImageRecipe: create(versioned('image-recipe'), ...recipeParts),
  CreateInfrastructureConfiguration: create(named('infrastructure-configuration'), ...instanceProfile),
  CreateLifecyclePolicy: create(named('lifecycle-policy'), passExecutionRole),
  CreateWorkflow: create(versioned('workflow', true)),
  DeleteComponent: write(arn('componentBuildVersionArn')),
  DeleteContainerRecipe: write(arn('containerRecipeArn')),
  DeleteDistributionConfiguration: write(arn('distributionConfigurationArn')),
  DeleteImage: write(arn('imageBuildVersionArn')),
  DeleteImagePipeline: write(arn('imagePipelineArn')),
  DeleteImageRecipe: write(arn('imageRecipeArn')),
  DeleteInfrastructureConfiguration: write(arn('infrastructureConfigurationArn')),
  DeleteLifecyclePolicy: write(arn('lifecyclePolicyArn')),
  DeleteWorkflow: write(arn('workflowBuildVersionArn')),
  DistributeImage: create(
    arn('sourceImage'),
    { action: 'imagebuilder:GetImage', path: 'sourceImage' },
    { action: 'imagebuilder:GetDistributionConfiguration', path: 'distributionConfigurationArn' },
    passExecutionRole,
  ),
  GetComponent: read(arn('componentBuildVersionArn')),
  GetComponentPolicy: read(arn('componentArn')),
  GetContainerRecipe: read(arn('containerRecipeArn')),
  GetContainerRecipePolicy: read(arn('containerRecipeArn')),
  GetDistributionConfiguration: read(arn('distributionConfigurationArn')),
  GetImage: read(arn('imageBuildVersionArn')),
  GetImagePipeline: read(arn('imagePipelineArn')),
  GetImagePolicy: read(arn('imageArn')),
  GetImageRecipe: read(arn('imageRecipeArn')),
  GetImageRecipePolicy: read(arn('imageRecipeArn')),
  GetInfrastructureConfiguration: read(arn('infrastructureConfigurationArn')),
  GetLifecycleExecution: read(id('lifecycle-execution', 'lifecycleExecutionId')),
  GetLifecyclePolicy: read(arn('lifecyclePolicyArn')),
  GetMarketplaceResource: read(arn('resourceArn')),
  GetWorkflow: read(arn('workflowBuildVersionArn')),
  GetWorkflowExecution: read(id('workflow-execution', 'workflowExecutionId')),
  GetWorkflowStepExecution: read(id('workflow-step-execution', 'stepExecutionId')),
  ImportComponent: create(versioned('component', true)),
  ImportDiskImage: create(
    versioned('image'),
    { action: 'imagebuilder:GetInfrastructureConfiguration', path: 'infrastructureConfigurationArn' },
    passExecutionRole,
  ),
  ImportVmImage: create(versioned('image')),
  ListComponentBuildVersions: list({ from: 'builds', kind: 'component', path: 'componentVersionArn' }),
  ListComponents: list(),
  ListContainerRecipes: list(),
  ListDistributionConfigurations: list(),
  ListImageBuildVersions: list({ from: 'builds', kind: 'image', path: 'imageVersionArn' }),
  ListImagePackages: list(arn('imageBuildVersionArn')),
  ListImagePipelineImages: list(arn('imagePipelineArn')),
  ListImagePipelines: list(),
  ListImageRecipes: list(),
  ListImageScanFindingAggregations: list(
    { from: 'filter', name: 'imageBuildVersionArn' },
    { from: 'filter', name: 'imagePipelineArn' },
  ),
  ListImageScanFindings: list(
    { from: 'filter', name: 'imageBuildVersionArn' },
    { from: 'filter', name: 'imagePipelineArn' },
  ),
  ListImages: list(),
  ListInfrastructureConfigurations: list(),
  ListLifecycleExecutionResources: list(id('lifecycle-execution', 'lifecycleExecutionId')),
  ListLifecycleExecutions: list(arn('resourceArn')),
  ListLifecyclePolicies: list(),
  ListTagsForResource: read(arn('resourceArn')),
  ListWaitingWorkflowSteps: list(),
  ListWorkflowBuildVersions: list({ from: 'builds', kind: 'workflow', path: 'workflowVersionArn' }),
  ListWorkflowExecutions: list(arn('imageBuildVersionArn')),
  ListWorkflowStepExecutions: list(id('workflow-execution', 'workflowExecutionId')),
  ListWorkflows: list(),
  PutComponentPolicy: permissions(arn('componentArn')),
  PutContainerRecipePolicy: permissions(arn('containerRecipeArn')),
  PutImagePolicy: permissions(arn('imageArn')),
  PutImageRecipePolicy: permissions(arn('imageRecipeArn')),
  RetryImage: write(arn('imageBuildVersionArn')),
  SendWorkflowStepAction: access('Write', [
    arn('imageBuildVersionArn'),
    id('workflow-step-execution', 'stepExecutionId'),
  ]),
  StartImagePipelineExecution: create(arn('imagePipelineArn')),
  StartResourceStateUpdate: write(arn('resourceArn'), passExecutionRole),
  TagResource: { ...access('Tagging', [arn('resourceArn')]), tags: 'tags' },
  UntagResource: access('Tagging', [arn('resourceArn')]),
  UpdateDistributionConfiguration: write(arn('distributionConfigurationArn'), exportRole),
  UpdateImagePipeline: { ...write(arn('imagePipelineArn'), ...buildParts), tags: 'imageTags' },
  UpdateInfrastructureConfiguration: write(arn('infrastructureConfigurationArn'), ...instanceProfile),
  UpdateLifecyclePolicy: write(arn('lifecyclePolicyArn'), passExecutionRole),
};
