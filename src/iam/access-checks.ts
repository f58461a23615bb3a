import { parseArn, slugOf } from '../contract/arn.ts';
import type { OperationName } from '../contract/operations.ts';
import type { RequestContext } from './condition-keys.ts';
import { type FurtherCheck, OPERATION_ACCESS, type ResourceSource } from './operation-access.ts';

/** One thing that must be allowed before an operation runs. */
export interface AccessCheck {
  /** `imagebuilder:CreateComponent` */
  readonly action: string;
  /** An ARN, or `*`. */
  readonly resource: string;
  /** Condition keys that belong to this check alone, beside those of the request. */
  readonly context: RequestContext;
  /** The resource must be of the caller's account, also where a policy could share it. */
  readonly ownOnly?: true;
}

export interface Place {
  readonly accountId: string;
  readonly region: string;
}

type Input = Readonly<Record<string, unknown>>;

/** Everything that must be allowed for a request, in the order in which it is checked. */
export function accessChecks(operation: OperationName, input: Input, place: Place): readonly AccessCheck[] {
  const { on, also, tags } = OPERATION_ACCESS[operation];
  const action = `imagebuilder:${operation}`;
  const context = requestKeys(operation, input);
  const arns = on.flatMap((source) => resourcesOf(source, input, place));
  const resources = arns.length === 0 ? ['*'] : arns;
  const checks = resources.map((resource) => ({ action, resource, context }));
  const givesTags = tags !== undefined && isRecord(input[tags]) && Object.keys(input[tags]).length > 0;
  if (givesTags && operation !== 'TagResource') {
    checks.push(...resources.map((resource) => ({ action: 'imagebuilder:TagResource', resource, context })));
  }
  return [...checks, ...also.flatMap((check) => furtherChecks(check, input, place))];
}

/** The ARNs that a request names; a member that is no ARN names none. */
function resourcesOf(source: ResourceSource, input: Input, place: Place): readonly string[] {
  const prefix = `arn:aws:imagebuilder:${place.region}:${place.accountId}:`;
  switch (source.from) {
    case 'arn':
      return textsAt(input, source.path).map((text) => (text.startsWith('arn:') ? text : `${prefix}image/*`));
    case 'name': {
      const type = source.kind === 'workflow' ? `${String(input['type']).toLowerCase()}/` : '';
      const version = source.versioned ? `/${String(input['semanticVersion'])}` : '';
      const name = slugOf(String(input['name']));
      return [`${prefix}${source.kind}/${type}${name}${version}${source.builds ? '/*' : ''}`];
    }
    case 'recipe': {
      const recipe = parseArn(String(input['imageRecipeArn'] ?? input['containerRecipeArn'] ?? ''));
      return [`${prefix}image/${recipe === undefined ? '*' : `${recipe.slug}/${recipe.version ?? '*'}/*`}`];
    }
    case 'builds': {
      const [version] = textsAt(input, source.path);
      return [version === undefined ? `${prefix}${source.kind}/*` : `${version}/*`];
    }
    case 'id':
      return textsAt(input, source.path).map((id) => `${prefix}${source.kind}/${id}`);
    case 'filter':
      return filterValues(input, source.name);
  }
}

function filterValues(input: Input, wanted: string): readonly string[] {
  const filters = [input['filters'], input['filter']].flat().filter(isRecord);
  return filters.filter(({ name }) => name === wanted).flatMap((filter) => textsAt(filter, 'values[]'));
}

const NO_KEYS: RequestContext = new Map();

function furtherChecks(check: FurtherCheck, input: Input, place: Place): readonly AccessCheck[] {
  const texts = textsAt(input, check.path);
  if (check.action === 'iam:PassRole' && 'to' in check) {
    const context = new Map([['iam:passedtoservice', [check.to]]]);
    return texts.map((role) => ({ action: check.action, resource: iamArn('role', role, place), context }));
  }
  if (check.action === 'iam:GetInstanceProfile') {
    return texts.map((name) => ({
      action: check.action,
      resource: iamArn('instance-profile', name, place),
      context: NO_KEYS,
    }));
  }
  // A parent image that is an AMI, a catalogue name or a parameter is no resource of Image Builder.
  return texts
    .filter((text) => text.startsWith('arn:'))
    .map((resource) => ({ action: check.action, resource, context: NO_KEYS }));
}

function iamArn(kind: string, nameOrArn: string, { accountId }: Place): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : `arn:aws:iam::${accountId}:${kind}/${nameOrArn}`;
}

/** What condition keys say about the parameters of a request. Keys in lower case. */
function requestKeys(operation: OperationName, input: Input): RequestContext {
  const keys = new Map<string, readonly string[]>();
  const tagMember = OPERATION_ACCESS[operation].tags;
  const tags = tagMember === undefined ? undefined : input[tagMember];
  addTags(keys, tags, 'aws:requesttag/', 'aws:tagkeys');
  if (operation === 'UntagResource') keys.set('aws:tagkeys', textsAt(input, 'tagKeys[]'));
  if (/^(?:Create|Update)InfrastructureConfiguration$/.test(operation)) {
    addTags(keys, input['resourceTags'], 'imagebuilder:createdresourcetag/', 'imagebuilder:createdresourcetagkeys');
    addTexts(keys, 'imagebuilder:ec2metadatahttptokens', textsAt(input, 'instanceMetadataOptions.httpTokens'));
    addTexts(keys, 'imagebuilder:statustopicarn', textsAt(input, 'snsTopicArn'));
  }
  if (/^(?:Create|Update)LifecyclePolicy$/.test(operation)) {
    addTexts(keys, 'imagebuilder:lifecyclepolicyresourcetype', textsAt(input, 'resourceType'));
  }
  return keys;
}

function addTags(keys: Map<string, readonly string[]>, tags: unknown, prefix: string, all: string): void {
  if (!isRecord(tags)) return;
  for (const [key, value] of Object.entries(tags)) keys.set(`${prefix}${key.toLowerCase()}`, [String(value)]);
  addTexts(keys, all, Object.keys(tags));
}

function addTexts(keys: Map<string, readonly string[]>, key: string, texts: readonly string[]): void {
  if (texts.length > 0) keys.set(key, texts);
}

/** The strings at `a.b`, or at `list[].member` for each element of a list. */
function textsAt(value: unknown, path: string): readonly string[] {
  let values: readonly unknown[] = [value];
  for (const part of path.split('.')) {
    const name = part.replace('[]', '');
    const members = values.filter(isRecord).map((record) => record[name]);
    values = part.endsWith('[]') ? members.flat() : members;
  }
  return values.filter((item) => typeof item === 'string');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
