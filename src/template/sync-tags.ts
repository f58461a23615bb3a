import type { ServiceCall } from './service-call.ts';
import { isOwnTag, isStackTag, type Tags } from './stack-tags.ts';

export interface WantedTags {
  /** Those of the template. */
  readonly template: Tags;
  /** Those of the stack; undefined leaves what the resource has of them. */
  readonly stack: Tags | undefined;
}

/** Makes a resource's tags those that are wanted. Gives whether anything had to change. */
export async function syncTags(
  call: ServiceCall,
  resourceArn: string,
  { template, stack }: WantedTags,
  existing: Tags,
  signal: AbortSignal,
): Promise<boolean> {
  const wanted: Tags = { ...template, ...stack };
  const isLeft = (key: string): boolean => isOwnTag(key) && (stack === undefined || !isStackTag(key));
  const changed = Object.entries(wanted).filter(([key, value]) => existing[key] !== value);
  const gone = Object.keys(existing).filter((key) => !Object.hasOwn(wanted, key) && !isLeft(key));
  if (changed.length > 0) {
    await call('TagResource', { resourceArn, tags: Object.fromEntries(changed) }, signal);
  }
  if (gone.length > 0) {
    await call('UntagResource', { resourceArn, tagKeys: gone }, signal);
  }
  return changed.length + gone.length > 0;
}
