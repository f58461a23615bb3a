import {
  CreateComponentCommand,
  type CreateComponentCommandInput,
  CreateDistributionConfigurationCommand,
  type CreateDistributionConfigurationCommandInput,
  CreateImagePipelineCommand,
  type CreateImagePipelineCommandInput,
  CreateImageRecipeCommand,
  type CreateImageRecipeCommandInput,
  CreateInfrastructureConfigurationCommand,
  type CreateInfrastructureConfigurationCommandInput,
  GetComponentCommand,
  GetDistributionConfigurationCommand,
  GetImagePipelineCommand,
  GetImageRecipeCommand,
  GetInfrastructureConfigurationCommand,
  type ImagebuilderClient,
  ResourceNotFoundException,
  UpdateDistributionConfigurationCommand,
  UpdateImagePipelineCommand,
  UpdateInfrastructureConfigurationCommand,
} from '@aws-sdk/client-imagebuilder';
import type { ArnKind } from '../contract/arn.ts';
import type { ResourceTypeName } from './resource-types.ts';
import type { Defaults } from './same-content.ts';

/** The members of a definition, as Create takes them and Get gives them. */
export type Members = Readonly<Record<string, unknown>>;

/** How one resource type is looked up, made and changed through the API. */
export interface ResourceOperations {
  readonly arnKind: ArnKind;
  /** The definition as it is now; undefined when there is none. */
  get(client: ImagebuilderClient, arn: string, signal: AbortSignal): Promise<Members | undefined>;
  /** Gives the ARN of what was made. */
  create(client: ImagebuilderClient, input: Members, signal: AbortSignal): Promise<string | undefined>;
  /** Replaces the definition; undefined where AWS has no such operation and a new version is needed. */
  readonly update?: (client: ImagebuilderClient, arn: string, input: Members, signal: AbortSignal) => Promise<void>;
  readonly defaults: Defaults;
}

export type DefinitionTypeName = Exclude<ResourceTypeName, 'AWS::ImageBuilder::Image'>;

const NO_DEFAULTS: Defaults = { absent: {}, within: {} };

/** Inputs were checked against the operations' own schemas, which is what these types are made from. */
const checked = <Input>(input: Members): Input => input as Input;

export const RESOURCE_OPERATIONS: Readonly<Record<DefinitionTypeName, ResourceOperations>> = {
  'AWS::ImageBuilder::Component': {
    arnKind: 'component',
    get: (client, componentBuildVersionArn, abortSignal) =>
      found(async () => {
        const command = new GetComponentCommand({ componentBuildVersionArn });
        return (await client.send(command, { abortSignal })).component;
      }),
    create: async (client, input, abortSignal) => {
      const command = new CreateComponentCommand(checked<CreateComponentCommandInput>(input));
      return (await client.send(command, { abortSignal })).componentBuildVersionArn;
    },
    defaults: NO_DEFAULTS,
  },
  'AWS::ImageBuilder::ImageRecipe': {
    arnKind: 'image-recipe',
    get: (client, imageRecipeArn, abortSignal) =>
      found(
        async () => (await client.send(new GetImageRecipeCommand({ imageRecipeArn }), { abortSignal })).imageRecipe,
      ),
    create: async (client, input, abortSignal) => {
      const command = new CreateImageRecipeCommand(checked<CreateImageRecipeCommandInput>(input));
      return (await client.send(command, { abortSignal })).imageRecipeArn;
    },
    defaults: NO_DEFAULTS,
  },
  'AWS::ImageBuilder::InfrastructureConfiguration': {
    arnKind: 'infrastructure-configuration',
    get: (client, infrastructureConfigurationArn, abortSignal) =>
      found(async () => {
        const command = new GetInfrastructureConfigurationCommand({ infrastructureConfigurationArn });
        return (await client.send(command, { abortSignal })).infrastructureConfiguration;
      }),
    create: async (client, input, abortSignal) => {
      const members = checked<CreateInfrastructureConfigurationCommandInput>(input);
      const command = new CreateInfrastructureConfigurationCommand(members);
      return (await client.send(command, { abortSignal })).infrastructureConfigurationArn;
    },
    update: async (client, infrastructureConfigurationArn, input, abortSignal) => {
      const members = checked<CreateInfrastructureConfigurationCommandInput>(input);
      const command = new UpdateInfrastructureConfigurationCommand({ ...members, infrastructureConfigurationArn });
      await client.send(command, { abortSignal });
    },
    defaults: { absent: { terminateInstanceOnFailure: true }, within: {} },
  },
  'AWS::ImageBuilder::DistributionConfiguration': {
    arnKind: 'distribution-configuration',
    get: (client, distributionConfigurationArn, abortSignal) =>
      found(async () => {
        const command = new GetDistributionConfigurationCommand({ distributionConfigurationArn });
        return (await client.send(command, { abortSignal })).distributionConfiguration;
      }),
    create: async (client, input, abortSignal) => {
      const members = checked<CreateDistributionConfigurationCommandInput>(input);
      const command = new CreateDistributionConfigurationCommand(members);
      return (await client.send(command, { abortSignal })).distributionConfigurationArn;
    },
    update: async (client, distributionConfigurationArn, input, abortSignal) => {
      const members = checked<CreateDistributionConfigurationCommandInput>(input);
      const command = new UpdateDistributionConfigurationCommand({ ...members, distributionConfigurationArn });
      await client.send(command, { abortSignal });
    },
    defaults: NO_DEFAULTS,
  },
  'AWS::ImageBuilder::ImagePipeline': {
    arnKind: 'image-pipeline',
    get: (client, imagePipelineArn, abortSignal) =>
      found(async () => {
        const command = new GetImagePipelineCommand({ imagePipelineArn });
        return (await client.send(command, { abortSignal })).imagePipeline;
      }),
    create: async (client, input, abortSignal) => {
      const command = new CreateImagePipelineCommand(checked<CreateImagePipelineCommandInput>(input));
      return (await client.send(command, { abortSignal })).imagePipelineArn;
    },
    update: async (client, imagePipelineArn, input, abortSignal) => {
      const members = checked<CreateImagePipelineCommandInput>(input);
      await client.send(new UpdateImagePipelineCommand({ ...members, imagePipelineArn }), { abortSignal });
    },
    // Source: EC2 Image Builder API Reference, CreateImagePipeline and the data types it names.
    defaults: {
      absent: {
        status: 'ENABLED',
        enhancedImageMetadataEnabled: true,
        imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 720 },
      },
      within: {
        imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 720 },
        schedule: {
          timezone: 'UTC',
          pipelineExecutionStartCondition: 'EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE',
        },
      },
    },
  },
};

async function found(get: () => Promise<object | undefined>): Promise<Members | undefined> {
  try {
    const definition = await get();
    return definition === undefined ? undefined : { ...definition };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
