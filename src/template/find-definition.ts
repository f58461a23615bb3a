import { formatArn, slugOf } from '../contract/arn.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { DOCUMENT_MEMBERS } from './document-members.ts';
import type { EnsureOptions } from './ensure-definition.ts';
import { findRecipe } from './find-recipe.ts';
import type { PlannedDefinition } from './planned-definition.ts';
import { type DefinitionTypeName, getDefinition, RESOURCE_OPERATIONS } from './resource-operations.ts';
import { findDifferences } from './same-content.ts';
import { listItems, type Members } from './service-call.ts';
import { STACK_TAGS, tagsOf } from './stack-tags.ts';
import type { PlannedResource } from './template-plan.ts';

type FindOptions = Omit<EnsureOptions, 'stageDocument'>;

export interface FoundDefinition {
  /** As the template wants it, when there are no differences; else the newest. */
  readonly existing: Members | undefined;
  /** Names of API members. */
  readonly differences: readonly string[];
}

/**
 * What the service has of a definition. Of a component or a workflow an earlier build of the version does, if it is as the
 * template wants it: a change that was taken back is none.
 *
 * @throws InvalidDocumentError when it belongs to another stack.
 */
export async function findDefinition(
  planned: PlannedDefinition,
  input: Members,
  options: FindOptions,
): Promise<FoundDefinition> {
  const { type, file, isFollowed } = planned;
  const newest = await find(type, input, options);
  refuseOfOtherStack(planned, newest, file, options.stack);
  if (newest === undefined) return { existing: undefined, differences: [] };
  const differences = differencesOf(planned, type, input, newest);
  if (differences.length === 0 || isFollowed) return { existing: newest, differences };
  for await (const earlier of buildsOf(type, String(newest['arn']), options)) {
    if (differencesOf(planned, type, input, earlier).length > 0) continue;
    refuseOfOtherStack(planned, earlier, file, options.stack);
    return { existing: earlier, differences: [] };
  }
  return { existing: newest, differences };
}

const BUILD_LISTS = {
  'AWS::ImageBuilder::Component': ['ListComponentBuildVersions', 'componentVersionArn', 'componentSummaryList'],
  'AWS::ImageBuilder::Workflow': ['ListWorkflowBuildVersions', 'workflowVersionArn', 'workflowSummaryList'],
} as const;

/** All builds of the version that an ARN of a build names; none of types that have no builds. */
async function* buildsOf(
  type: DefinitionTypeName,
  buildArn: string,
  { call, signal }: FindOptions,
): AsyncGenerator<Members> {
  if (type !== 'AWS::ImageBuilder::Component' && type !== 'AWS::ImageBuilder::Workflow') return;
  const [operation, member, list] = BUILD_LISTS[type];
  const version = buildArn.replace(/\/\d+$/, '');
  for await (const { arn } of listItems(call, operation, { [member]: version }, list, signal)) {
    const build = arn === buildArn ? undefined : await getDefinition(call, type, String(arn), signal);
    if (build !== undefined) yield build;
  }
}

/** Whether all that differs is a document that only the service can read, where it lies in S3. */
export function mayBeSame(
  { type, document }: PlannedDefinition,
  input: Members,
  differences: readonly string[],
): boolean {
  const names = DOCUMENT_MEMBERS[type];
  if (names === undefined || document !== undefined || input[names.uri] === undefined) return false;
  return differences.every((member) => member === names.data);
}

async function find(type: DefinitionTypeName, input: Members, options: FindOptions): Promise<Members | undefined> {
  const { call, signal } = options;
  const arn = arnOf(type, input, options);
  return type === 'AWS::ImageBuilder::ImageRecipe' || type === 'AWS::ImageBuilder::ContainerRecipe'
    ? findRecipe(call, type, input, arn, signal)
    : getDefinition(call, type, arn, signal);
}

/** Where the definition is when it is there; without a build, which means the newest. */
function arnOf(type: DefinitionTypeName, input: Members, { partition, region, accountId }: FindOptions): string {
  const version = input['semanticVersion'];
  const workflowType = String(input['type']).toLowerCase() as 'build' | 'test' | 'distribution';
  return formatArn({
    partition,
    region,
    owner: accountId,
    kind: RESOURCE_OPERATIONS[type].arnKind,
    slug: slugOf(String(input['name'])),
    ...(type === 'AWS::ImageBuilder::Workflow' ? { workflowType } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  });
}

/** Two stacks that own one resource would change it to and fro, and the first to be destroyed would take it away. */
function refuseOfOtherStack(
  { position }: PlannedResource,
  existing: Members | undefined,
  file: string,
  stack: string | undefined,
): void {
  const owner = tagsOf(existing?.['tags'])[STACK_TAGS.stack];
  if (stack === undefined || owner === undefined || owner === stack) return;
  const message = `${existing?.['arn']} belongs to the stack '${owner}'.`;
  const hint = `choose another name, or apply this template as that stack: --stack-name ${owner}`;
  throw new InvalidDocumentError([{ file, position, message, hint }]);
}

/** Members that name the definition, that are compared in their own way, or that Get does not answer. */
const NOT_COMPARED = ['name', 'semanticVersion', 'tags', 'clientToken', 'dryRun', 'imageOsVersionOverride'];

function differencesOf(
  planned: PlannedResource,
  type: DefinitionTypeName,
  input: Members,
  existing: Members,
): readonly string[] {
  const { data, uri } = DOCUMENT_MEMBERS[type] ?? {};
  const members = planned.members.filter((member) => ![...NOT_COMPARED, data, uri].includes(member));
  const differences = findDifferences(input, existing, members, RESOURCE_OPERATIONS[type].defaults);
  if (data === undefined || (planned.document ?? input[data]) === existing[data]) return differences;
  return [...differences, planned.document === undefined || uri === undefined ? data : uri];
}
