import { createHash } from 'node:crypto';
import type { Members } from './service-call.ts';
import type { PlannedResource } from './template-plan.ts';

/**
 * How resources carry which stack they belong to. A tag is set in the request that makes the resource, so whoever dies
 * in between leaves nothing that belongs to nobody. AWS marks them by `aws:cloudformation:…`, a prefix that it refuses
 * to everybody else (docs/decisions/116-stacks-are-tags.md).
 */
export const STACK_TAGS = {
  stack: 'kiln:stack',
  logicalId: 'kiln:logical-id',
  /** `Retain`, or absent. */
  deletionPolicy: 'kiln:deletion-policy',
  /** Of images: a hash of what was asked for, to tell whether the template asks for something else now. */
  definition: 'kiln:definition',
} as const;

export type Tags = Readonly<Record<string, string>>;

const OWN_PREFIX = 'kiln:';

/** The tags that a resource of a stack carries beside those of its template. */
export function stackTags(stack: string, { logicalId, retained }: PlannedResource): Tags {
  return {
    [STACK_TAGS.stack]: stack,
    [STACK_TAGS.logicalId]: logicalId,
    ...(retained.onDeletion ? { [STACK_TAGS.deletionPolicy]: 'Retain' } : {}),
  };
}

/** Tags that are not the template's to change. */
export function isOwnTag(key: string): boolean {
  return key.startsWith(OWN_PREFIX);
}

export function isStackTag(key: string): boolean {
  return Object.values<string>(STACK_TAGS).includes(key);
}

export function hashOfImage(input: Members): string {
  const { tags: _, ...asked } = input;
  return createHash('sha256')
    .update(JSON.stringify(sorted(asked)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

export function tagsOf(value: unknown): Tags {
  return typeof value === 'object' && value !== null ? (value as Tags) : {};
}
