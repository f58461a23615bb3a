import { setTimeout as wait } from 'node:timers/promises';
import type { Phase, Step } from '../documents/component.ts';
import { type Clock, systemClock } from '../util/clock.ts';
import { Resolver } from './resolver.ts';
import type {
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
import { TargetFacts } from './target-facts.ts';
import { Workspace } from './workspace.ts';

/**
 * Runs documents one after the other, each through all its selected phases, and each phase step by step.
 *
 * A failed step stops the run (`Abort`), lets it go on and fails it at the end (`Continue`), or is only counted
 * (`Ignore`). The result tells all of that; the promise rejects only with the abort reason or a TargetLostError. What the
 * run put on the target for itself is removed in every case.
 */
export async function runDocuments(run: DocumentRun): Promise<DocumentRunResult> {
  const clock = run.clock ?? systemClock;
  const workspace = new Workspace(run.target, run.workingDirectory);
  const context: RunContext = {
    run,
    clock,
    delay:
      run.delay ?? ((milliseconds, signal) => wait(milliseconds, undefined, { signal }).catch(rethrowReason(signal))),
    workspace,
    facts: new TargetFacts(run, clock),
  };
  const tally = new Tally();
  try {
    const documents: DocumentResult[] = [];
    for (const document of run.documents) {
      documents.push(await runDocument(document, context, tally));
      if (tally.aborted) break;
    }
    return tally.result(run.executionId, documents);
  } finally {
    await workspace.remove();
  }
}

/** Timers reject with an AbortError of their own; callers are promised the reason. */
function rethrowReason(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    throw error;
  };
}

async function runDocument(document: RunnableDocument, context: RunContext, tally: Tally): Promise<DocumentResult> {
  const startTime = timestamp(context.clock);
  const resolver = new Resolver(document.document, document.parameters, context.facts);
  const selected = document.document.phases.filter(({ name }) => context.run.phases?.includes(name) ?? true);
  const phases: PhaseResult[] = [];
  for (const phase of selected) {
    phases.push(await runPhase(document, phase, resolver, context, tally));
    if (tally.aborted) break;
  }
  const { id, document: parsed } = document;
  const endTime = timestamp(context.clock);
  return { id, name: parsed.name, status: overall(phases), startTime, endTime, phases };
}

async function runPhase(
  document: RunnableDocument,
  phase: Phase,
  resolver: Resolver,
  context: RunContext,
  tally: Tally,
): Promise<PhaseResult> {
  const startTime = timestamp(context.clock);
  const steps: StepResult[] = [];
  for (const step of phase.steps) {
    const place = { documentId: document.id, phase: phase.name, step: step.name, action: step.action };
    steps.push(await runAndReport(step, place, resolver, context, tally));
    if (tally.aborted) break;
  }
  return { name: phase.name, status: overall(steps), startTime, endTime: timestamp(context.clock), steps };
}

async function runAndReport(
  step: Step,
  place: StepPlace,
  resolver: Resolver,
  context: RunContext,
  tally: Tally,
): Promise<StepResult> {
  const { monitor } = context.run;
  const started = context.clock.now();
  monitor.stepStarted(place);
  const outcome = await runStep(step, place.phase, resolver, context);
  const ended = context.clock.now();
  if (outcome.status === 'success') resolver.record(place.phase, step.name, outcome.record);
  tally.add(step, place, outcome);
  monitor.stepEnded(place, outcome.status, (ended.getTime() - started.getTime()) / 1000);
  const hidden = step.disableLogging || outcome.status !== 'success';
  return {
    name: step.name,
    action: step.action,
    status: outcome.status,
    failureMessage: outcome.failureMessage,
    timeoutSeconds: step.timeoutSeconds,
    onFailure: step.onFailure,
    maxAttempts: step.maxAttempts,
    startTime: seconds(started),
    endTime: seconds(ended),
    inputs: step.disableLogging ? [] : outcome.status === 'success' ? outcome.record.inputs : step.inputs,
    outputs: hidden ? [] : [outcome.record.outputs],
  };
}

/** Counts what happened, over all documents. */
class Tally {
  aborted = false;
  #executed = 0;
  #failed = 0;
  #ignored = 0;
  #first: StepFailure | undefined;

  add(step: Step, place: StepPlace, { status, failureMessage, lastLines }: StepOutcome): void {
    if (status !== 'skipped') this.#executed++;
    if (status === 'ignoredFailure') this.#ignored++;
    if (status !== 'failed') return;
    this.#failed++;
    this.#first ??= { ...place, errorMessage: failureMessage, lastLines };
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
