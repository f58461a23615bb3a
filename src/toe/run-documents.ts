import { setTimeout as wait } from 'node:timers/promises';
import type { Phase, Step } from '../documents/component.ts';
import { type Clock, systemClock } from '../util/clock.ts';
import { wellFormed } from '../util/os-text.ts';
import type { NestedRequest } from './actions/action.ts';
import { KeptValues } from './kept-values.ts';
import { Resolver } from './resolver.ts';
import type {
  DocumentMonitor,
  DocumentResult,
  DocumentRun,
  DocumentRunResult,
  PhaseResult,
  RunnableDocument,
  StepFailure,
  StepPlace,
  StepResult,
} from './run-documents.types.ts';
import { type RunContext, runStep, type StepOutcome } from './run-step.ts';
import { Secrets } from './secrets.ts';
import {
  type FinishedStep,
  type InterruptedStep,
  RunSuspendedError,
  restoreRecord,
  StepSuspendedError,
  saveRecord,
} from './suspended-run.ts';
import { TargetFacts } from './target-facts.ts';
import { Workspace } from './workspace.ts';

/**
 * Runs documents one after the other, each through all its selected phases, and each phase step by step.
 *
 * A failed step stops the run (`Abort`), lets it go on and fails it at the end (`Continue`), or is only counted
 * (`Ignore`). The result tells all of that; the promise rejects only with the abort reason, a TargetLostError, or a
 * RunSuspendedError where the caller is to reboot the machine and to resume. What the run put on the target for itself is
 * removed in every case.
 */
export async function runDocuments(given: DocumentRun): Promise<DocumentRunResult> {
  const clock = given.clock ?? systemClock;
  const secrets = new Secrets();
  const run = { ...given, monitor: maskedMonitor(given.monitor, secrets) };
  const workspace = new Workspace(run.target, run.workingDirectory);
  const context: RunContext = {
    run,
    clock,
    delay:
      run.delay ?? ((milliseconds, signal) => wait(milliseconds, undefined, { signal }).catch(rethrowReason(signal))),
    workspace,
    facts: new TargetFacts(run, clock),
    secrets,
    kept: new KeptValues(),
    ancestors: [],
    runNested,
  };
  try {
    return secrets.maskAll(await runAll(context));
  } finally {
    await workspace.remove();
  }
}

async function runAll(context: RunContext): Promise<DocumentRunResult> {
  const { run } = context;
  const tally = new Tally();
  const journal = new Journal(run, context.secrets);
  const documents: DocumentResult[] = [];
  for (const [index, document] of run.documents.entries()) {
    documents.push(await runDocument(document, index, context, tally, journal));
    if (tally.aborted) break;
  }
  return tally.result(run.executionId, documents);
}

/** A document within a step of another: a run of its own, in the same place and with the same secrets. */
function runNested(
  { identity, executionId, document, phases, resume }: NestedRequest,
  signal: AbortSignal,
  context: RunContext,
): Promise<DocumentRunResult> {
  const { resume: _, journal: _outer, ...outer } = context.run;
  const nested = { ...outer, executionId, documents: [document], phases, signal };
  const run: DocumentRun = resume === undefined ? nested : { ...nested, resume };
  return runAll({
    ...context,
    run,
    facts: new TargetFacts(run, context.clock),
    ancestors: [...context.ancestors, identity],
  });
}

function maskedMonitor(monitor: DocumentMonitor, secrets: Secrets): DocumentMonitor {
  return {
    line: (source, text) => monitor.line(source, secrets.mask(text).toWellFormed()),
    stepStarted: (step) => monitor.stepStarted(step),
    stepEnded: (step, status, seconds, failureMessage) =>
      monitor.stepEnded(step, status, seconds, secrets.mask(failureMessage)),
  };
}

/** Timers reject with an AbortError of their own; callers are promised the reason. */
function rethrowReason(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    throw error;
  };
}

async function runDocument(
  document: RunnableDocument,
  index: number,
  context: RunContext,
  tally: Tally,
  journal: Journal,
): Promise<DocumentResult> {
  const startTime = journal.startOf(index) ?? timestamp(context.clock);
  const resolver = new Resolver(document.document, document.parameters, {
    facts: context.facts,
    secrets: context.secrets,
    services: context.run.services ?? {},
  });
  const selected = document.document.phases.filter(({ name }) => context.run.phases?.includes(name) ?? true);
  const phases: PhaseResult[] = [];
  for (const phase of selected) {
    phases.push(await runPhase(document, index, phase, resolver, context, tally, journal));
    if (tally.aborted) break;
  }
  const { id, document: parsed } = document;
  const endTime = timestamp(context.clock);
  return { id, name: parsed.name, status: overall(phases), startTime, endTime, phases };
}

async function runPhase(
  document: RunnableDocument,
  index: number,
  phase: Phase,
  resolver: Resolver,
  context: RunContext,
  tally: Tally,
  journal: Journal,
): Promise<PhaseResult> {
  const startTime = journal.startOf(index, phase.name) ?? timestamp(context.clock);
  const steps: StepResult[] = [];
  for (const step of phase.steps) {
    const place = { documentId: document.id, phase: phase.name, step: step.name, action: step.action };
    steps.push(await runAndReport(step, place, index, resolver, context, tally, journal));
    if (tally.aborted) break;
  }
  return { name: phase.name, status: overall(steps), startTime, endTime: timestamp(context.clock), steps };
}

async function runAndReport(
  step: Step,
  place: StepPlace,
  document: number,
  resolver: Resolver,
  context: RunContext,
  tally: Tally,
  journal: Journal,
): Promise<StepResult> {
  const before = journal.find(document, place.phase, step.name);
  if (before !== undefined) {
    const record = restoreRecord(before.record);
    if (before.status === 'success') resolver.record(place.phase, step.name, record);
    tally.add(step, place, { ...before, record });
    return before.result;
  }
  const { monitor } = context.run;
  await context.run.journal?.begin({ document, phase: place.phase, step: step.name });
  const interrupted = journal.interrupted(document, place.phase, step.name);
  const started = interrupted === undefined ? context.clock.now() : new Date(interrupted.startTime);
  monitor.stepStarted(place);
  const outcome = await runStep(step, place.phase, resolver, context, interrupted).catch((error: unknown) => {
    throw error instanceof StepSuspendedError ? journal.suspend(error, document, place, started) : error;
  });
  const ended = context.clock.now();
  if (outcome.status === 'success') resolver.record(place.phase, step.name, outcome.record);
  tally.add(step, place, outcome);
  monitor.stepEnded(place, outcome.status, (ended.getTime() - started.getTime()) / 1000, outcome.failureMessage);
  const hidden = step.disableLogging || outcome.status !== 'success';
  const result: StepResult = {
    name: step.name,
    action: step.action,
    status: outcome.status,
    failureMessage: outcome.failureMessage,
    timeoutSeconds: step.timeoutSeconds,
    onFailure: step.onFailure,
    maxAttempts: step.maxAttempts,
    startTime: seconds(started),
    endTime: seconds(ended),
    inputs: step.disableLogging ? [] : wellFormed(outcome.status === 'success' ? outcome.record.inputs : step.inputs),
    outputs: hidden ? [] : [wellFormed(outcome.record.outputs)],
    nested: step.disableLogging ? [] : (outcome.record.nested ?? []),
  };
  const finished = journal.add(document, place.phase, result, outcome);
  await context.run.journal?.end(finished);
  return result;
}

/** Steps that ended, in this process and before a reboot. */
class Journal {
  readonly #finished: FinishedStep[] = [];
  readonly #before: ReadonlyMap<string, FinishedStep>;
  readonly #resume: DocumentRun['resume'];

  readonly #secrets: Secrets;

  constructor({ resume }: DocumentRun, secrets: Secrets) {
    this.#resume = resume;
    this.#secrets = secrets;
    this.#before = new Map(
      resume?.finished.map((step) => [keyOf(step.document, step.phase, step.result.name), step]) ?? [],
    );
    this.#finished.push(...this.#before.values());
  }

  find(document: number, phase: string, step: string): FinishedStep | undefined {
    return this.#before.get(keyOf(document, phase, step));
  }

  interrupted(document: number, phase: string, step: string): InterruptedStep | undefined {
    const interrupted = this.#resume?.interrupted;
    const same = interrupted?.document === document && interrupted.phase === phase && interrupted.step === step;
    return same ? interrupted : undefined;
  }

  /** When a document or phase began, if that was before the reboot. */
  startOf(document: number, phase?: string): string | undefined {
    const first = this.#finished.find((step) => step.document === document && (phase ?? step.phase) === step.phase);
    return first?.result.startTime;
  }

  add(document: number, phase: string, result: StepResult, outcome: StepOutcome): FinishedStep {
    const { status, failureMessage, lastLines, timedOut } = outcome;
    const record = saveRecord(outcome.record, this.#secrets);
    const step = { document, phase, result, status, failureMessage, lastLines, timedOut, record };
    const finished: FinishedStep = this.#secrets.maskAll(step);
    this.#finished.push(finished);
    return finished;
  }

  suspend(error: StepSuspendedError, document: number, place: StepPlace, started: Date): RunSuspendedError {
    const { phase, step } = place;
    const { attempt, reboots, nested } = error;
    const iterations = error.iterations.map((record) => saveRecord(record, this.#secrets));
    return new RunSuspendedError({
      finished: this.#finished,
      interrupted: {
        ...{ document, phase, step, startTime: seconds(started), attempt, reboots, iterations },
        ...(nested === undefined ? {} : { nested }),
      },
    });
  }
}

function keyOf(document: number, phase: string, step: string): string {
  return `${document}/${phase}/${step}`;
}

/** Counts what happened, over all documents. */
class Tally {
  aborted = false;
  #executed = 0;
  #failed = 0;
  #ignored = 0;
  #first: StepFailure | undefined;

  add(step: Step, place: StepPlace, { status, failureMessage, lastLines, timedOut }: StepOutcome): void {
    if (status !== 'skipped') this.#executed++;
    if (status === 'ignoredFailure') this.#ignored++;
    if (status !== 'failed') return;
    this.#failed++;
    this.#first ??= { ...place, errorMessage: failureMessage, lastLines, ...(timedOut === true ? { timedOut } : {}) };
    if (step.onFailure === 'Abort') this.aborted = true;
  }

  result(executionId: string, documents: readonly DocumentResult[]): DocumentRunResult {
    return {
      executionId,
      status: this.#first === undefined ? 'success' : 'failed',
      executedStepCount: this.#executed,
      failedStepCount: this.#failed,
      ignoredFailedStepCount: this.#ignored,
      failureMessage: this.#first === undefined ? '' : `Document ${this.#first.documentId} failed!`,
      firstFailure: this.#first,
      documents,
    };
  }
}

function overall(parts: readonly { readonly status: string }[]): DocumentResult['status'] {
  if (parts.some(({ status }) => status === 'failed')) return 'failed';
  const ignored = parts.some(({ status }) => status === 'ignoredFailure' || status === 'successWithIgnoredFailure');
  return ignored ? 'successWithIgnoredFailure' : 'success';
}

function timestamp(clock: Clock): string {
  return seconds(clock.now());
}

/** RFC 3339 with whole seconds. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
