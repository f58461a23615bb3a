import type { StepInputs } from '../documents/component.ts';
import type { StepRecord } from './resolver.ts';
import type { NestedRun, StepResult, StepStatus } from './run-documents.types.ts';
import type { Secrets } from './secrets.ts';

/**
 * Where a run stopped because its machine has to be rebooted by whoever started the run. Plain data: it is saved as
 * JSON, and a later process gives it to the same documents to go on (`DocumentRun.resume`).
 */
export interface SuspendedRun {
  /** Steps that ended before, in order. */
  readonly finished: readonly FinishedStep[];
  readonly interrupted: InterruptedStep;
}

export interface FinishedStep {
  /** Index of the document in the run. */
  readonly document: number;
  readonly phase: string;
  readonly result: StepResult;
  readonly status: StepStatus;
  readonly failureMessage: string;
  readonly lastLines: readonly string[];
  readonly timedOut?: boolean | undefined;
  readonly record: SavedRecord;
}

/** The step that asked for the reboot: its `if` was decided, and is not asked again. */
export interface InterruptedStep {
  readonly document: number;
  readonly phase: string;
  readonly step: string;
  /** RFC 3339. */
  readonly startTime: string;
  readonly attempt: number;
  /** Reboots that the current iteration asked for so far. */
  readonly reboots: number;
  /** Iterations that are done; of a step without a loop at most one, and then the run goes on behind it. */
  readonly iterations: readonly SavedRecord[];
  /** The document within the step (ExecuteDocument) that was interrupted. */
  readonly nested?: SuspendedNestedRun;
}

/** Where a document within a step stopped. */
export interface SuspendedNestedRun {
  /** What the document was: with another one it cannot go on. */
  readonly fingerprint: string;
  readonly executionId: string;
  readonly progress: SuspendedRun;
}

export interface SavedRecord {
  readonly inputs: readonly StepInputs[];
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly incomplete: readonly string[];
  /** Secrets were masked: they are never written down. */
  readonly secretsGone: boolean;
  readonly inputsGone?: boolean;
  readonly nested?: readonly NestedRun[];
}

export function saveRecord(record: StepRecord, secrets: Secrets): SavedRecord {
  const { inputs, outputs, incomplete, secretsGone, inputsGone, nested } = record;
  const gone = (secretsGone ?? false) || secrets.isIn(inputs) || secrets.isIn(outputs);
  return {
    inputs: secrets.maskAll(inputs),
    outputs: secrets.maskAll(outputs),
    incomplete: [...incomplete],
    secretsGone: gone,
    ...(inputsGone === undefined ? {} : { inputsGone }),
    ...(nested === undefined ? {} : { nested: secrets.maskAll(nested) }),
  };
}

export function restoreRecord({ incomplete, ...rest }: SavedRecord): StepRecord {
  return { ...rest, incomplete: new Set(incomplete) };
}

/** A target's answer to `reboot` when somebody else reboots it after this process has ended. Suspends the run. */
export class RebootByCallerError extends Error {
  override readonly name = 'RebootByCallerError';
}

/** Passes through a step on its way out; what each level knows is added there. */
export class StepSuspendedError extends Error {
  override readonly name = 'StepSuspendedError';
  readonly reboots: number;
  readonly iterations: readonly StepRecord[];
  readonly nested: SuspendedNestedRun | undefined;
  attempt = 1;

  constructor(reboots: number, iterations: readonly StepRecord[], nested?: SuspendedNestedRun) {
    super('The machine has to be rebooted.');
    this.reboots = reboots;
    this.iterations = iterations;
    this.nested = nested;
  }
}

/** What ExecuteDocument throws when the document that it runs was suspended. */
export class NestedRunSuspendedError extends Error {
  override readonly name = 'NestedRunSuspendedError';
  readonly nested: SuspendedNestedRun;

  constructor(nested: SuspendedNestedRun) {
    super('The machine has to be rebooted; then the nested document can be resumed.');
    this.nested = nested;
  }
}

/** The run cannot go on before the machine was rebooted by whoever started it. */
export class RunSuspendedError extends Error {
  override readonly name = 'RunSuspendedError';
  readonly state: SuspendedRun;

  constructor(state: SuspendedRun) {
    super('The machine has to be rebooted; then the run can be resumed.');
    this.state = state;
  }
}
