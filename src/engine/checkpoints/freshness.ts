import { type CacheHint, DEFAULT_LIMIT_MS, describeHint } from './cache-hint.ts';
import type { ComponentInputs } from './component-inputs.ts';
import type { ComponentRecord } from './component-record.ts';
import type { ResourceStates } from './resource-states.ts';

/** What may be reused of a component in a build. */
export interface FreshnessRule {
  /** As the component's author says. */
  readonly hint: CacheHint | undefined;
  /** As whoever asked for the build says. */
  readonly ofBuild: CacheHint | undefined;
  readonly fetches: ComponentInputs['fetches'];
}

/**
 * How old the work of a component may be. Without a hint a component that runs programs counts for a day, because programs
 * fetch what they like, and one whose effect is all in its document counts for ever. The build may shorten what the author
 * says, and decides where he says nothing.
 */
export function limitOf({ hint, ofBuild, fetches }: FreshnessRule): CacheHint {
  if (hint?.kind === 'never' || ofBuild?.kind === 'never') return { kind: 'never' };
  if (hint !== undefined) return ofBuild?.kind === 'limit' ? shorter(hint, ofBuild) : hint;
  return ofBuild ?? (fetches === undefined ? { kind: 'forever' } : { kind: 'limit', milliseconds: DEFAULT_LIMIT_MS });
}

function shorter(hint: CacheHint, limit: Extract<CacheHint, { kind: 'limit' }>): CacheHint {
  return hint.kind === 'limit' && hint.milliseconds < limit.milliseconds ? hint : limit;
}

/**
 * Why what a component did then does not stand for what it would do now; undefined when it does. Package repositories that
 * cannot be asked count as unchanged: the limit of time stays.
 */
export async function staleness(
  record: ComponentRecord,
  rule: FreshnessRule,
  { now, states, signal }: { readonly now: Date; readonly states: ResourceStates; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const limit = limitOf(rule);
  const tooOld = whyTooOld(record.ranAt, limit, now);
  if (tooOld !== undefined) return tooOld;
  if (limit.kind === 'forever' && rule.fetches !== undefined) return undefined;
  const changed = await Promise.all(
    (record.repositories ?? []).map(async (before) => {
      const after = await states.index(before.url, signal, before);
      return after === undefined || after.sha256 === before.sha256 ? undefined : before.url;
    }),
  );
  const first = changed.find((url) => url !== undefined);
  return first === undefined ? undefined : `the package repository ${withoutUser(first)} has changed`;
}

/** Earlier versions kept addresses with passwords. */
function withoutUser(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address;
  return Object.assign(url, { username: '', password: '' }).href;
}

/**
 * As {@link staleness}, of what user data did when a machine booted. It may fetch whatever it likes, and has no author but the
 * recipe's.
 */
export function bootStaleness(bootedAt: string, ofBuild: CacheHint | undefined, now: Date): string | undefined {
  return whyTooOld(bootedAt, limitOf({ hint: undefined, ofBuild, fetches: 'it runs programs' }), now);
}

function whyTooOld(ranAt: string, limit: CacheHint, now: Date): string | undefined {
  const age = now.getTime() - Date.parse(ranAt);
  if (limit.kind === 'never') return 'it is never to be reused';
  if (limit.kind === 'limit' && age > limit.milliseconds) {
    return `what it did is ${describeAge(age)} old and counts for ${describeHint(limit)}`;
  }
  // A record from the future: the clock was wrong then or is now.
  return age < -MOST_AHEAD_MS ? `it ran at ${ranAt}, which is still to come` : undefined;
}

const MOST_AHEAD_MS = 60_000;

/** `3 min`, `26 h`, `4 d`. */
export function describeAge(milliseconds: number): string {
  const minutes = Math.max(0, milliseconds) / 60_000;
  if (minutes < 120) return `${Math.floor(minutes)} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}
