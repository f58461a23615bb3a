import { randomUUID } from 'node:crypto';
import type { ArnKind } from '../contract/arn.ts';
import type { OperationName } from '../contract/operations.ts';
import type { ResourceTypeName } from './resource-types.ts';
import type { Defaults } from './same-content.ts';
import { isRefusal, type Members, type ServiceCall } from './service-call.ts';

export type DefinitionTypeName = Exclude<ResourceTypeName, 'AWS::ImageBuilder::Image'>;

/** How the resources of a type are looked up, made, changed, deleted and listed through the API. */
interface ResourceOperations {
  readonly arnKind: ArnKind;
  /** The member by which its operations name it. */
  readonly arnMember: string;
  /** The member in which Get answers. */
  readonly answer: string;
  readonly create: OperationName;
  readonly get: OperationName;
  /** Undefined where AWS has no such operation and a new version is needed. */
  readonly update?: OperationName;
  readonly delete: OperationName;
  /** What the service fills in. */
  readonly defaults: Defaults;
  /** Members of Create that Get answers under another name. */
  readonly answeredAs?: Readonly<Record<string, string>>;
}

const NO_DEFAULTS: Defaults = { absent: {}, within: {} };
const TESTS = { imageTestsEnabled: true, timeoutMinutes: 720 };

/** Sources of the defaults: EC2 Image Builder API Reference, the Create operations and the data types they name. */
export const RESOURCE_OPERATIONS: Readonly<Record<DefinitionTypeName, ResourceOperations>> = {
  'AWS::ImageBuilder::Component': {
    arnKind: 'component',
    arnMember: 'componentBuildVersionArn',
    answer: 'component',
    create: 'CreateComponent',
    get: 'GetComponent',
    delete: 'DeleteComponent',
    defaults: NO_DEFAULTS,
  },
  'AWS::ImageBuilder::Workflow': {
    arnKind: 'workflow',
    arnMember: 'workflowBuildVersionArn',
    answer: 'workflow',
    create: 'CreateWorkflow',
    get: 'GetWorkflow',
    delete: 'DeleteWorkflow',
    defaults: NO_DEFAULTS,
  },
  'AWS::ImageBuilder::ImageRecipe': {
    arnKind: 'image-recipe',
    arnMember: 'imageRecipeArn',
    answer: 'imageRecipe',
    create: 'CreateImageRecipe',
    get: 'GetImageRecipe',
    delete: 'DeleteImageRecipe',
    defaults: NO_DEFAULTS,
  },
  'AWS::ImageBuilder::ContainerRecipe': {
    arnKind: 'container-recipe',
    arnMember: 'containerRecipeArn',
    answer: 'containerRecipe',
    create: 'CreateContainerRecipe',
    get: 'GetContainerRecipe',
    delete: 'DeleteContainerRecipe',
    defaults: { absent: { platformOverride: 'Linux' }, within: {} },
    answeredAs: { platformOverride: 'platform' },
  },
  'AWS::ImageBuilder::InfrastructureConfiguration': {
    arnKind: 'infrastructure-configuration',
    arnMember: 'infrastructureConfigurationArn',
    answer: 'infrastructureConfiguration',
    create: 'CreateInfrastructureConfiguration',
    get: 'GetInfrastructureConfiguration',
    update: 'UpdateInfrastructureConfiguration',
    delete: 'DeleteInfrastructureConfiguration',
    defaults: { absent: { terminateInstanceOnFailure: true }, within: {} },
  },
  'AWS::ImageBuilder::DistributionConfiguration': {
    arnKind: 'distribution-configuration',
    arnMember: 'distributionConfigurationArn',
    answer: 'distributionConfiguration',
    create: 'CreateDistributionConfiguration',
    get: 'GetDistributionConfiguration',
    update: 'UpdateDistributionConfiguration',
    delete: 'DeleteDistributionConfiguration',
    defaults: NO_DEFAULTS,
  },
  'AWS::ImageBuilder::ImagePipeline': {
    arnKind: 'image-pipeline',
    arnMember: 'imagePipelineArn',
    answer: 'imagePipeline',
    create: 'CreateImagePipeline',
    get: 'GetImagePipeline',
    update: 'UpdateImagePipeline',
    delete: 'DeleteImagePipeline',
    defaults: {
      absent: { status: 'ENABLED', enhancedImageMetadataEnabled: true, imageTestsConfiguration: TESTS },
      within: {
        imageTestsConfiguration: TESTS,
        schedule: {
          timezone: 'UTC',
          pipelineExecutionStartCondition: 'EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE',
        },
      },
    },
  },
  'AWS::ImageBuilder::LifecyclePolicy': {
    arnKind: 'lifecycle-policy',
    arnMember: 'lifecyclePolicyArn',
    answer: 'lifecyclePolicy',
    create: 'CreateLifecyclePolicy',
    get: 'GetLifecyclePolicy',
    update: 'UpdateLifecyclePolicy',
    delete: 'DeleteLifecyclePolicy',
    defaults: { absent: { status: 'ENABLED' }, within: {} },
  },
};

/** The definition as it is now; undefined when there is none. */
export async function getDefinition(
  call: ServiceCall,
  type: DefinitionTypeName,
  arn: string,
  signal: AbortSignal,
): Promise<Members | undefined> {
  const { get, arnMember, answer, answeredAs = {} } = RESOURCE_OPERATIONS[type];
  try {
    const definition = (await call(get, { [arnMember]: arn }, signal))[answer] as Members | undefined;
    if (definition === undefined) return undefined;
    const renamed = Object.entries(answeredAs).map(([member, name]) => [member, definition[name]]);
    return { ...definition, ...Object.fromEntries(renamed) };
  } catch (error) {
    if (isRefusal(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}

/** Gives the ARN of what was made. */
export async function createDefinition(
  call: ServiceCall,
  type: DefinitionTypeName,
  input: Members,
  signal: AbortSignal,
): Promise<string> {
  const { create, arnMember } = RESOURCE_OPERATIONS[type];
  return String((await call(create, { ...input, clientToken: randomUUID() }, signal))[arnMember]);
}

/** Replaces a definition of a type that has `update`. */
export async function updateDefinition(
  call: ServiceCall,
  type: DefinitionTypeName,
  arn: string,
  input: Members,
  signal: AbortSignal,
): Promise<void> {
  const { update, arnMember } = RESOURCE_OPERATIONS[type];
  if (update === undefined) throw new Error(`${type} cannot be updated`);
  await call(update, { ...input, [arnMember]: arn, clientToken: randomUUID() }, signal);
}

export async function deleteDefinition(
  call: ServiceCall,
  type: DefinitionTypeName,
  arn: string,
  signal: AbortSignal,
): Promise<void> {
  const operations = RESOURCE_OPERATIONS[type];
  await call(operations.delete, { [operations.arnMember]: arn }, signal);
}
