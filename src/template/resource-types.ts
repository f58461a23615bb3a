import type { OperationName } from '../contract/operations.ts';

export type ResourceTypeName = keyof typeof RESOURCE_TYPES;

/** What a resource type of CloudFormation is in terms of the Image Builder API. */
export interface ResourceType {
  /** The operation that makes it: properties are the members of its input, with a capital first letter. */
  readonly operation: OperationName;
  /** Properties that are called otherwise than their member. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Members that are not properties. */
  readonly hidden: readonly string[];
  /** Exactly one of each group has to be given. */
  readonly exactlyOneOf: readonly (readonly [string, ...string[]])[];
  /** Properties of CloudFormation that Kiln refuses, and why. */
  readonly refused: Readonly<Record<string, string>>;
  /** What `Fn::GetAtt` can ask for. `Ref` gives the `Arn`. */
  readonly attributes: readonly string[];
}

const NO_API_MEMBERS = ['clientToken', 'dryRun'];
const LATEST_VERSION = ['LatestVersion.Arn', 'LatestVersion.Major', 'LatestVersion.Minor', 'LatestVersion.Patch'];

/** Source: AWS CloudFormation Template Reference, "EC2 Image Builder resource type reference". */
export const RESOURCE_TYPES = {
  'AWS::ImageBuilder::Component': {
    operation: 'CreateComponent',
    renamed: { semanticVersion: 'Version' },
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [['Data', 'Uri']],
    refused: {},
    attributes: ['Arn', 'Name', 'Type', 'Encrypted', ...LATEST_VERSION],
  },
  'AWS::ImageBuilder::ImageRecipe': {
    operation: 'CreateImageRecipe',
    renamed: { semanticVersion: 'Version' },
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [],
    refused: {},
    attributes: ['Arn', 'Name', ...LATEST_VERSION],
  },
  'AWS::ImageBuilder::ContainerRecipe': {
    operation: 'CreateContainerRecipe',
    renamed: { semanticVersion: 'Version' },
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [['DockerfileTemplateData', 'DockerfileTemplateUri']],
    refused: {},
    attributes: ['Arn', 'Name', ...LATEST_VERSION],
  },
  'AWS::ImageBuilder::Workflow': {
    operation: 'CreateWorkflow',
    renamed: { semanticVersion: 'Version' },
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [['Data', 'Uri']],
    refused: {},
    attributes: ['Arn', ...LATEST_VERSION],
  },
  'AWS::ImageBuilder::LifecyclePolicy': {
    operation: 'CreateLifecyclePolicy',
    renamed: {},
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [],
    refused: {},
    attributes: ['Arn'],
  },
  'AWS::ImageBuilder::InfrastructureConfiguration': {
    operation: 'CreateInfrastructureConfiguration',
    renamed: {},
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [],
    refused: {},
    attributes: ['Arn', 'Name'],
  },
  'AWS::ImageBuilder::DistributionConfiguration': {
    operation: 'CreateDistributionConfiguration',
    renamed: {},
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [],
    refused: {},
    attributes: ['Arn', 'Name'],
  },
  'AWS::ImageBuilder::ImagePipeline': {
    operation: 'CreateImagePipeline',
    renamed: {},
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [['ImageRecipeArn', 'ContainerRecipeArn']],
    refused: {},
    attributes: ['Arn', 'Name'],
  },
  'AWS::ImageBuilder::Image': {
    operation: 'CreateImage',
    renamed: {},
    hidden: NO_API_MEMBERS,
    exactlyOneOf: [['ImageRecipeArn', 'ContainerRecipeArn']],
    refused: {
      DeletionSettings: 'images are deleted with `kiln rm`',
      ImagePipelineExecutionSettings: 'leave the Image resource out and `kiln build` starts the pipeline',
    },
    attributes: ['Arn', 'Name', 'ImageId', ...LATEST_VERSION],
  },
} as const satisfies Readonly<Record<string, ResourceType>>;

/** Members of structures below the top whose property is called otherwise, by the structure's name in the API. */
export const RENAMED_MEMBERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  AmiDistributionConfiguration: { launchPermission: 'LaunchPermissionConfiguration' },
};
