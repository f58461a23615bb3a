import { StepFailedError } from '../step-failed.ts';

export interface Wildcard {
  /** Absolute, without a separator at its end; empty for the root. */
  readonly folder: string;
  /** Shell pattern in which only `*` is special. */
  readonly pattern: string;
}

/**
 * Cuts a path with `*` into folder and pattern; undefined for a path without. `*` is allowed after the last separator
 * only (User Guide, file system modules).
 */
export function splitWildcard(absolutePath: string): Wildcard | undefined {
  if (!absolutePath.includes('*')) return undefined;
  const cut = absolutePath.lastIndexOf('/');
  const folder = absolutePath.slice(0, cut);
  if (folder.includes('*'))
    throw new StepFailedError(`'*' is only allowed after the last separator of ${absolutePath}`);
  return { folder, pattern: shellPattern(absolutePath.slice(cut + 1)) };
}

/** A pattern of `*` and literal characters, for `case` and `find -name`. */
export function shellPattern(pattern: string): string {
  return pattern.replace(/[^*A-Za-z0-9_.-]/gu, (character) => (character === '\n' ? character : `\\${character}`));
}

/** Beginning of every script of a file module: ends the script with one sentence. */
export const FAIL_FUNCTION = `
fail() { printf '%s\\n' "$1" >&2; exit 1; }
`;
