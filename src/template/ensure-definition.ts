import { formatArn, slugOf } from '../contract/arn.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { type Attributes, attributesOf } from './attributes.ts';
import { ChangedUnderSameVersion } from './changed-under-same-version.ts';
import { DOCUMENT_MEMBERS } from './document-members.ts';
import { findRecipe } from './find-recipe.ts';
import type { PlannedDefinition } from './planned-definition.ts';
import {
  createDefinition,
  type DefinitionTypeName,
  getDefinition,
  RESOURCE_OPERATIONS,
  updateDefinition,
} from './resource-operations.ts';
import { findDifferences } from './same-content.ts';
import { isRefusal, listItems, type Members, type ServiceCall } from './service-call.ts';
import { STACK_TAGS, stackTags, tagsOf } from './stack-tags.ts';
import { syncTags } from './sync-tags.ts';
import type { PlannedResource } from './template-plan.ts';

export interface EnsureOptions {
  readonly call: ServiceCall;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
  /** The stack that is to own the definition; undefined leaves it to whom it belongs. */
  readonly stack: string | undefined;
  /** Puts a document that is too long for a request where the service can read it; gives its URI. */
  readonly stageDocument: (document: string) => Promise<string>;
  readonly signal: AbortSignal;
}

export type Outcome = 'created' | 'updated' | 'unchanged';

export interface Ensured {
  readonly outcome: Outcome;
  readonly arn: string;
  readonly attributes: Attributes;
}

/**
 * Makes one definition of the service what the template wants.
 *
 * @throws InvalidDocumentError when it belongs to another stack, ChangedUnderSameVersion, and the service's errors.
 */
export async function ensureDefinition(
  planned: PlannedDefinition,
  input: Members,
  options: EnsureOptions,
): Promise<Ensured> {
  const { type } = planned;
  const { call, stack, signal } = options;
  const { existing, differences } = await findDefinition(planned, input, options);
  const tags = {
    template: tagsOf(input['tags']),
    stack: stack === undefined ? undefined : stackTags(stack, planned),
  };
  if (existing !== undefined && differences.length === 0) {
    const arn = String(existing['arn']);
    const changed = await syncTags(call, arn, tags, tagsOf(existing['tags']), signal);
    return describe(changed ? 'updated' : 'unchanged', arn, existing);
  }
  if (existing !== undefined && RESOURCE_OPERATIONS[type].update !== undefined) {
    const { name: _name, tags: _tags, ...members } = input;
    const arn = String(existing['arn']);
    await updateDefinition(call, type, arn, members, signal);
    await syncTags(call, arn, tags, tagsOf(existing['tags']), signal);
    return describe('updated', arn, existing);
  }
  try {
    const merged = { ...tags.template, ...tags.stack };
    const members = await withDocument(planned, input, options);
    const request = Object.keys(merged).length === 0 ? members : { ...members, tags: merged };
    const arn = await createDefinition(call, type, request, signal);
    return describe('created', arn, (await getDefinition(call, type, arn, signal)) ?? input);
  } catch (error) {
    // Only the service can read a document in S3, so only its answer tells that nothing changed.
    if (existing !== undefined && DOCUMENT_MEMBERS[type] !== undefined && isAlreadyExists(error)) {
      if (mayBeSame(planned, input, differences)) {
        const arn = String(existing['arn']);
        const changed = await syncTags(call, arn, tags, tagsOf(existing['tags']), signal);
        return describe(changed ? 'updated' : 'unchanged', arn, existing);
      }
    }
    throw isAlreadyExists(error) ? new ChangedUnderSameVersion(error, differences) : error;
  }
}

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
  options: EnsureOptions,
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
  { call, signal }: EnsureOptions,
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

async function find(type: DefinitionTypeName, input: Members, options: EnsureOptions): Promise<Members | undefined> {
  const { call, signal } = options;
  const arn = arnOf(type, input, options);
  return type === 'AWS::ImageBuilder::ImageRecipe' || type === 'AWS::ImageBuilder::ContainerRecipe'
    ? findRecipe(call, type, input, arn, signal)
    : getDefinition(call, type, arn, signal);
}

/** Where the definition is when it is there; without a build, which means the newest. */
function arnOf(type: DefinitionTypeName, input: Members, { partition, region, accountId }: EnsureOptions): string {
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

export function describe(outcome: Outcome, arn: string, definition: Members): Ensured {
  const { name, type, encrypted } = definition;
  return {
    outcome,
    arn,
    attributes: {
      ...attributesOf(arn, String(name)),
      ...(typeof type === 'string' ? { Type: type } : {}),
      ...(typeof encrypted === 'boolean' ? { Encrypted: String(encrypted) } : {}),
    },
  };
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

/** Characters of a document that a request may carry. Source: EC2 Image Builder API Reference, CreateComponent. */
const MAX_INLINE_DOCUMENT = 16_000;

async function withDocument(planned: PlannedResource, input: Members, options: EnsureOptions): Promise<Members> {
  const { document, type } = planned;
  const names = DOCUMENT_MEMBERS[type];
  if (document === undefined || names === undefined) return input;
  const members = Object.fromEntries(Object.entries(input).filter(([member]) => member !== names.uri));
  if (document.length <= MAX_INLINE_DOCUMENT) return { ...members, [names.data]: document };
  return { ...members, [names.uri]: await options.stageDocument(document) };
}

function isAlreadyExists(error: unknown): error is Error {
  return isRefusal(error, 'ResourceAlreadyExistsException');
}
