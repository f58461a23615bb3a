/**
 * Two of Kiln's three kinds of error; the third, a bad request, is an AWS error (contract/errors.ts).
 *
 * - {@link BuildFailure}: what the user asked for did not work (a component exited 1, a test failed). It becomes the
 *   image's FAILED state and its reason; the command line ends with 1.
 * - {@link BuilderFault}: the machine or installation that builds is at fault (no QEMU, disk full, mirror unreachable).
 *   The operator reads it; the command line ends with 3 when a prerequisite is missing, else 1.
 */

/** What a failure is, where whoever throws it knows; of others the message is asked (engine/failure-cause/). */
export type FailureKind = 'timeout' | 'guest lost' | 'stopped' | 'function failed' | 'builder fault';

interface FaultDetails {
  /** Where it happened: a step, a file, a host. */
  readonly where?: string;
  /** What to try next, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

abstract class KilnError extends Error {
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.where = details.where;
    this.hint = details.hint;
  }
}

/** A failed build: expected, the user's to mend. */
export class BuildFailure extends KilnError {
  override readonly name = 'BuildFailure';
  readonly kind: FailureKind | undefined;

  constructor(message: string, details: FaultDetails & { readonly kind?: FailureKind } = {}) {
    super(message, details);
    this.kind = details.kind;
  }
}

/** A broken builder: the operator's to mend. */
export class BuilderFault extends KilnError {
  override readonly name = 'BuilderFault';
  /** True when something has to be installed or configured before anything can work. */
  readonly missingPrerequisite: boolean;

  constructor(message: string, details: FaultDetails & { readonly missingPrerequisite?: boolean } = {}) {
    super(message, details);
    this.missingPrerequisite = details.missingPrerequisite ?? false;
  }
}

/** Turns whatever was thrown into an Error, so that nothing downstream meets a non-Error. */
export function coerceError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
