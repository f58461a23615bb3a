import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { type ArnKind, formatArn, slugOf } from '../contract/arn.ts';
import { type Attributes, attributesOf } from './attributes.ts';
import { ChangedUnderSameVersion } from './changed-under-same-version.ts';
import { settle } from './encode-properties.ts';
import { findRecipe } from './find-recipe.ts';
import type { PlannedResource, TemplatePlan } from './plan-template.ts';
import { explainRefusal } from './refusals.ts';
import { type DefinitionTypeName, type Members, RESOURCE_OPERATIONS } from './resource-operations.ts';
import type { ResourceTypeName } from './resource-types.ts';
import { findDifferences } from './same-content.ts';
import { syncTags } from './sync-tags.ts';
import type { TextPart } from './values.ts';

export interface ApplyOptions {
  readonly client: ImagebuilderClient;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
  /** Puts a component document that is too long for a request where the service can read it; gives its URI. */
  readonly stageDocument: (document: string) => Promise<string>;
  readonly signal: AbortSignal;
  /** Told of each resource as soon as it is as the template wants it. */
  readonly onApplied?: (resource: AppliedResource) => void;
}

export interface AppliedResource {
  readonly logicalId: string;
  readonly type: DefinitionTypeName;
  readonly arn: string;
  readonly outcome: 'created' | 'updated' | 'unchanged';
}

/** A build that the template asks for: the input of CreateImage. */
export interface WantedImage {
  readonly logicalId: string;
  readonly input: Members;
}

export interface AppliedTemplate {
  readonly resources: readonly AppliedResource[];
  readonly images: readonly WantedImage[];
  /** Attributes of the applied resources by logical id; images have theirs when they are built. */
  readonly attributes: ReadonlyMap<string, Attributes>;
}

/**
 * Makes the service's definitions what the plan wants: creates what is missing, updates what AWS lets one update,
 * leaves alone what is the same. Applying the same plan again changes nothing. Images are not built here.
 *
 * @throws InvalidDocumentError with a place in the template when the service refuses a definition; other errors of the
 *   service as the SDK throws them. What was applied before stays.
 */
export async function applyTemplate(plan: TemplatePlan, options: ApplyOptions): Promise<AppliedTemplate> {
  const attributes = new Map<string, Attributes>();
  const resources: AppliedResource[] = [];
  const images: WantedImage[] = [];
  const textOf = (part: TextPart): string =>
    typeof part === 'string' ? part : (attributes.get(part.logicalId)?.[part.attribute] ?? '');

  for (const planned of plan.resources) {
    const input = settle(planned.input, textOf) as Members;
    if (!isDefinition(planned.type)) {
      images.push({ logicalId: planned.logicalId, input });
      continue;
    }
    try {
      const { outcome, found } = await ensure(planned, planned.type, input, options);
      const applied = { logicalId: planned.logicalId, type: planned.type, arn: found.arn, outcome };
      attributes.set(planned.logicalId, found.attributes);
      resources.push(applied);
      options.onApplied?.(applied);
    } catch (error) {
      throw explainRefusal(error, plan.file, planned);
    }
  }
  return { resources, images, attributes };
}

function isDefinition(type: ResourceTypeName): type is DefinitionTypeName {
  return type !== 'AWS::ImageBuilder::Image';
}

interface Ensured {
  readonly outcome: AppliedResource['outcome'];
  readonly found: { readonly arn: string; readonly attributes: Attributes };
}

async function ensure(
  planned: PlannedResource,
  type: DefinitionTypeName,
  input: Members,
  options: ApplyOptions,
): Promise<Ensured> {
  const { client, signal } = options;
  const operations = RESOURCE_OPERATIONS[type];
  const existing =
    type === 'AWS::ImageBuilder::ImageRecipe'
      ? await findRecipe(client, input, arnOf(operations.arnKind, input, options), signal)
      : await operations.get(client, arnOf(operations.arnKind, input, options), signal);
  const differences = existing === undefined ? [] : differencesOf(planned, type, input, existing);

  if (existing !== undefined && differences.length === 0) {
    const arn = String(existing['arn']);
    const outcome = (await syncTags(client, arn, input['tags'], existing['tags'], signal)) ? 'updated' : 'unchanged';
    return { outcome, found: describe(arn, existing) };
  }
  if (existing !== undefined && operations.update !== undefined) {
    const { name: _name, tags: _tags, ...members } = input;
    const arn = String(existing['arn']);
    await operations.update(client, arn, members, signal);
    await syncTags(client, arn, input['tags'], existing['tags'], signal);
    return { outcome: 'updated', found: describe(arn, existing) };
  }
  try {
    const arn = (await operations.create(client, await withDocument(planned, input, options), signal)) ?? '';
    const created = await operations.get(client, arn, signal);
    return { outcome: 'created', found: describe(arn, created ?? input) };
  } catch (error) {
    // Only the service can read a document in S3, so only its answer tells that nothing changed.
    if (type === 'AWS::ImageBuilder::Component' && existing !== undefined && isAlreadyExists(error)) {
      return { outcome: 'unchanged', found: describe(String(existing['arn']), existing) };
    }
    throw withDifferences(error, differences);
  }
}

function describe(arn: string, definition: Members): Ensured['found'] {
  const { name, type, encrypted } = definition;
  return {
    arn,
    attributes: {
      ...attributesOf(arn, String(name)),
      ...(typeof type === 'string' ? { Type: type } : {}),
      ...(typeof encrypted === 'boolean' ? { Encrypted: String(encrypted) } : {}),
    },
  };
}

/** Where the definition is when it is there; without a build, which means the newest. */
function arnOf(kind: ArnKind, input: Members, { partition, region, accountId }: ApplyOptions): string {
  const version = input['semanticVersion'];
  return formatArn({
    partition,
    region,
    owner: accountId,
    kind,
    slug: slugOf(String(input['name'])),
    ...(typeof version === 'string' ? { version } : {}),
  });
}

/** Members that name the definition or that are compared in their own way. */
const NOT_COMPARED = ['name', 'semanticVersion', 'tags', 'data', 'uri', 'clientToken', 'dryRun'];

function differencesOf(
  planned: PlannedResource,
  type: DefinitionTypeName,
  input: Members,
  existing: Members,
): readonly string[] {
  const members = planned.members.filter((member) => !NOT_COMPARED.includes(member));
  const differences = findDifferences(input, existing, members, RESOURCE_OPERATIONS[type].defaults);
  if (type !== 'AWS::ImageBuilder::Component') return differences;
  const document = planned.document ?? input['data'];
  return document === existing['data']
    ? differences
    : [...differences, planned.document === undefined ? 'data' : 'uri'];
}

/** Characters of a document that a request may carry. Source: EC2 Image Builder API Reference, CreateComponent. */
const MAX_INLINE_DOCUMENT = 16_000;

async function withDocument(planned: PlannedResource, input: Members, options: ApplyOptions): Promise<Members> {
  const { document } = planned;
  if (document === undefined) return input;
  const { uri: _, ...members } = input;
  if (document.length <= MAX_INLINE_DOCUMENT) return { ...members, data: document };
  return { ...members, uri: await options.stageDocument(document) };
}

function isAlreadyExists(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ResourceAlreadyExistsException';
}

function withDifferences(error: unknown, differences: readonly string[]): unknown {
  return isAlreadyExists(error) ? new ChangedUnderSameVersion(error, differences) : error;
}
