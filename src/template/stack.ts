import type { OperationName } from '../contract/operations.ts';
import type { Retained } from './read-resources.ts';
import { deleteDefinition } from './resource-operations.ts';
import type { ResourceTypeName } from './resource-types.ts';
import { isRefusal, listItems, type Members, type ServiceCall } from './service-call.ts';
import { STACK_TAGS, type Tags, tagsOf } from './stack-tags.ts';

/** A resource that carries the tags of a stack. */
export interface StackResource {
  readonly type: ResourceTypeName;
  readonly arn: string;
  readonly logicalId: string;
  readonly tags: Tags;
  /** Of images. */
  readonly status: string | undefined;
}

interface List {
  readonly type: ResourceTypeName;
  readonly operation: OperationName;
  /** The member with the items. */
  readonly items: string;
  readonly input: Members;
}

const OWN = { owner: 'Self' };

/** How the resources of each type are listed, in the order in which they can go: nothing needs one that comes before. */
const LISTS: readonly List[] = [
  {
    type: 'AWS::ImageBuilder::LifecyclePolicy',
    operation: 'ListLifecyclePolicies',
    items: 'lifecyclePolicySummaryList',
    input: {},
  },
  { type: 'AWS::ImageBuilder::ImagePipeline', operation: 'ListImagePipelines', items: 'imagePipelineList', input: {} },
  {
    type: 'AWS::ImageBuilder::ImageRecipe',
    operation: 'ListImageRecipes',
    items: 'imageRecipeSummaryList',
    input: OWN,
  },
  {
    type: 'AWS::ImageBuilder::ContainerRecipe',
    operation: 'ListContainerRecipes',
    items: 'containerRecipeSummaryList',
    input: OWN,
  },
  { type: 'AWS::ImageBuilder::Image', operation: 'ListImageBuildVersions', items: 'imageSummaryList', input: {} },
  {
    type: 'AWS::ImageBuilder::InfrastructureConfiguration',
    operation: 'ListInfrastructureConfigurations',
    items: 'infrastructureConfigurationSummaryList',
    input: {},
  },
  {
    type: 'AWS::ImageBuilder::DistributionConfiguration',
    operation: 'ListDistributionConfigurations',
    items: 'distributionConfigurationSummaryList',
    input: {},
  },
  {
    type: 'AWS::ImageBuilder::Workflow',
    operation: 'ListWorkflowBuildVersions',
    items: 'workflowSummaryList',
    input: {},
  },
  {
    type: 'AWS::ImageBuilder::Component',
    operation: 'ListComponentBuildVersions',
    items: 'componentSummaryList',
    input: {},
  },
];

/** What belongs to a stack, in the order in which it can be removed. */
export async function listStack(
  call: ServiceCall,
  stack: string,
  signal: AbortSignal,
): Promise<readonly StackResource[]> {
  const found: StackResource[] = [];
  for (const { type, operation, items, input } of LISTS) {
    for await (const item of listItems(call, operation, input, items, signal)) {
      const tags = tagsOf(item['tags']);
      if (tags[STACK_TAGS.stack] !== stack) continue;
      const { status } = (item['state'] ?? {}) as { readonly status?: string };
      found.push({ type, arn: String(item['arn']), logicalId: tags[STACK_TAGS.logicalId] ?? '', tags, status });
    }
  }
  return found;
}

export interface RemovedResource {
  readonly logicalId: string;
  readonly type: ResourceTypeName;
  readonly arn: string;
  /** `retained`: the template says so, and it belongs to no stack any more. `kept`: something else needs it. */
  readonly outcome: 'removed' | 'retained' | 'kept';
  readonly reason?: string;
}

/**
 * Removes resources of a stack in the order they are given in. What something else still needs stays, and stays the
 * stack's, so that it can be removed later.
 *
 * @param retained by logical id: what the template says now; others are as they were when they were applied.
 */
export async function* removeResources(
  call: ServiceCall,
  resources: readonly StackResource[],
  retained: (logicalId: string) => Retained | undefined,
  signal: AbortSignal,
): AsyncIterable<RemovedResource> {
  for (const resource of resources) {
    const { type, arn, logicalId, tags } = resource;
    const about = { logicalId, type, arn };
    if (retained(logicalId)?.onReplacement ?? tags[STACK_TAGS.deletionPolicy] === 'Retain') {
      const tagKeys = Object.values(STACK_TAGS).filter((key) => Object.hasOwn(tags, key));
      await call('UntagResource', { resourceArn: arn, tagKeys }, signal);
      yield { ...about, outcome: 'retained' };
      continue;
    }
    try {
      await remove(call, type, arn, signal);
      yield { ...about, outcome: 'removed' };
    } catch (error) {
      if (isRefusal(error, 'ResourceNotFoundException')) yield { ...about, outcome: 'removed' };
      else if (isRefusal(error, 'ResourceDependencyException')) {
        yield { ...about, outcome: 'kept', reason: error.message };
      } else throw error;
    }
  }
}

async function remove(call: ServiceCall, type: ResourceTypeName, arn: string, signal: AbortSignal): Promise<void> {
  if (type === 'AWS::ImageBuilder::Image') await call('DeleteImage', { imageBuildVersionArn: arn }, signal);
  else await deleteDefinition(call, type, arn, signal);
}
