import { type Attributes, attributesOf } from './attributes.ts';
import { ChangedUnderSameVersion } from './changed-under-same-version.ts';
import { DOCUMENT_MEMBERS } from './document-members.ts';
import { findDefinition, mayBeSame } from './find-definition.ts';
import type { PlannedDefinition } from './planned-definition.ts';
import { createDefinition, getDefinition, RESOURCE_OPERATIONS, updateDefinition } from './resource-operations.ts';
import { isRefusal, type Members, type ServiceCall } from './service-call.ts';
import { stackTags, tagsOf } from './stack-tags.ts';
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
    if (existing !== undefined && isAlreadyExists(error) && mayBeSame(planned, input, differences)) {
      const arn = String(existing['arn']);
      const changed = await syncTags(call, arn, tags, tagsOf(existing['tags']), signal);
      return describe(changed ? 'updated' : 'unchanged', arn, existing);
    }
    throw isAlreadyExists(error) ? new ChangedUnderSameVersion(error, differences) : error;
  }
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
