import type { ComponentDocument } from '../documents/component.ts';
import type { Clock } from '../util/clock.ts';
import type { Monitor } from '../util/monitor.ts';
import type { RunServices } from './run-services.ts';
import type { FinishedStep, SuspendedRun } from './suspended-run.ts';
import type { Target } from './target.ts';

/** Runs component documents one after the other on a target: each finishes all its selected phases before the next. */
export interface DocumentRun {
  readonly executionId: string;
  readonly documents: readonly RunnableDocument[];
  /** Phases to run, in document order whatever the order here. Undefined: all. */
  readonly phases: readonly string[] | undefined;
  readonly target: Target;
  /** `{{ env:NAME }}` and the environment of every command. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute folder on the target for scripts and relative paths. It is made when missing; what the run puts there is removed. */
  readonly workingDirectory: string;
  /** `{{ context:… }}` values that the target cannot tell. Empty: instance metadata is asked. */
  readonly accountId: string;
  readonly region: string;
  /** Default: none is configured. */
  readonly services?: RunServices;
  /** Action modules that no step may use, of nested documents neither. Default: none. */
  readonly blockedActions?: readonly string[];
  readonly signal: AbortSignal;
  readonly monitor: DocumentMonitor;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Waits between tries of a download and before a reboot; rejects with the signal's reason. Default: timers. */
  readonly delay?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Where a run of the same documents was suspended, or what of it had ended when its process died: it goes on there. */
  readonly resume?: Pick<SuspendedRun, 'finished'> & Partial<SuspendedRun>;
  /** Written along, so that another process can go on after this one died. Nested documents are part of their step. */
  readonly journal?: StepJournal;
}

/** What each method rejects with ends the run. */
export interface StepJournal {
  /** A step is about to begin: nothing of it was done. */
  begin(step: Pick<FinishedStep, 'document' | 'phase'> & { readonly step: string }): Promise<void>;
  end(step: FinishedStep): Promise<void>;
}

export interface RunnableDocument {
  /** Component build version ARN or file path; what messages call it. */
  readonly id: string;
  readonly document: ComponentDocument;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Output lines, and the beginnings and ends of document steps. */
export interface DocumentMonitor extends Monitor {
  stepStarted(step: StepPlace): void;
  /** `failureMessage` is empty unless the step failed. */
  stepEnded(step: StepPlace, status: StepStatus, seconds: number, failureMessage: string): void;
}

export interface StepPlace {
  /** {@link RunnableDocument.id} */
  readonly documentId: string;
  readonly phase: string;
  readonly step: string;
  readonly action: string;
}

export type StepStatus = 'success' | 'failed' | 'ignoredFailure' | 'skipped';

export interface DocumentRunResult {
  readonly executionId: string;
  /** A failed document is a result; see runDocuments for what rejects. */
  readonly status: 'success' | 'failed';
  readonly executedStepCount: number;
  readonly failedStepCount: number;
  readonly ignoredFailedStepCount: number;
  /** `Document <id> failed!`, AWS's own words, or empty. */
  readonly failureMessage: string;
  readonly firstFailure: StepFailure | undefined;
  readonly documents: readonly DocumentResult[];
}

export interface StepFailure extends StepPlace {
  /** `exit status 3`, `timed out after 60 s`, … */
  readonly errorMessage: string;
  /** The last lines of output, standard error first choice; at most 20. */
  readonly lastLines: readonly string[];
  /** Set when its time was over, of a nested document as well. */
  readonly timedOut?: boolean | undefined;
}

export interface DocumentResult {
  readonly id: string;
  readonly name: string;
  readonly status: 'success' | 'failed' | 'successWithIgnoredFailure';
  readonly startTime: string;
  readonly endTime: string;
  readonly phases: readonly PhaseResult[];
}

export interface PhaseResult {
  readonly name: string;
  readonly status: DocumentResult['status'];
  readonly startTime: string;
  readonly endTime: string;
  readonly steps: readonly StepResult[];
}

export interface StepResult {
  readonly name: string;
  readonly action: string;
  readonly status: StepStatus;
  readonly failureMessage: string;
  readonly timeoutSeconds: number;
  readonly onFailure: string;
  readonly maxAttempts: number;
  readonly startTime: string;
  readonly endTime: string;
  /** After resolution of expressions; of a loop, of its last iteration. Empty with `disableLogging`. */
  readonly inputs: readonly Readonly<Record<string, unknown>>[];
  readonly outputs: readonly Readonly<Record<string, unknown>>[];
  /** What ExecuteDocument ran, one for every iteration. */
  readonly nested: readonly NestedRun[];
}

/** A run of a document within a step. */
export interface NestedRun {
  readonly document: RunnableDocument;
  readonly result: DocumentRunResult;
}
