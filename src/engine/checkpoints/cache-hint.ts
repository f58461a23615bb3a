import type { ImageRow } from '../../state/find-resource.ts';
import { BuildFailure } from '../../util/faults.ts';

/** On a component, a pipeline's image or an infrastructure configuration; on an image it comes first. */
export const CACHE_TAG = 'kiln:cache';

/** How long what was made once may stand for what would be made now. */
export type CacheHint =
  | { readonly kind: 'never' }
  | { readonly kind: 'forever' }
  | { readonly kind: 'limit'; readonly milliseconds: number };

/** Of components that run programs, which may fetch whatever they like. */
export const DEFAULT_LIMIT_MS = 24 * 3_600_000;

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `never`, `forever`, or a time such as `90m`, `24h` or `7d`. Undefined for anything else. */
export function parseCacheHint(text: string): CacheHint | undefined {
  if (text === 'never' || text === 'forever') return { kind: text };
  const [, count, unit = ''] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return count === undefined || factor === undefined
    ? undefined
    : { kind: 'limit', milliseconds: Number(count) * factor };
}

/** The hint among the tags of `what`; undefined without one. Throws a BuildFailure for a word that is none. */
export function cacheHintOf(tags: Readonly<Record<string, string>>, what: string): CacheHint | undefined {
  const text = tags[CACHE_TAG];
  if (text === undefined) return undefined;
  const hint = parseCacheHint(text);
  if (hint !== undefined) return hint;
  throw new BuildFailure(
    `The tag ${CACHE_TAG} of ${what} is '${text}'; it can be never, forever, or a time such as 24h`,
  );
}

/** What decides of a whole build: its own tag, that of its infrastructure, and how it was started. */
export type AskedBuild = Pick<ImageRow, 'tags' | 'infrastructure_configuration' | 'build_type'>;

/** What the tags of an image, or of its infrastructure configuration, say of its build. Throws as {@link cacheHintOf}. */
export function askedHintOf({ tags, infrastructure_configuration: infrastructure }: AskedBuild): CacheHint | undefined {
  const ofInfrastructure = (infrastructure['tags'] ?? {}) as Readonly<Record<string, string>>;
  return cacheHintOf(tags, 'the image') ?? cacheHintOf(ofInfrastructure, 'the infrastructure configuration');
}

/** The hint of a build; one that a schedule starts begins anew unless somebody said otherwise. Throws as {@link cacheHintOf}. */
export function buildHintOf(image: AskedBuild): CacheHint | undefined {
  return askedHintOf(image) ?? (image.build_type === 'SCHEDULED' ? { kind: 'never' } : undefined);
}

/** `never`, `forever`, `24 h`. */
export function describeHint(hint: CacheHint): string {
  if (hint.kind !== 'limit') return hint.kind;
  const unit = ['d', 'h', 'm', 's'].find((name) => hint.milliseconds % (UNITS[name] ?? 1) === 0) ?? 's';
  return `${hint.milliseconds / (UNITS[unit] ?? 1)} ${unit}`;
}
