import type { Step, StepInputs } from '../documents/component.ts';
import type { Clock } from '../util/clock.ts';
import { coerceError } from '../util/faults.ts';
import {
  type Action,
  type ActionContext,
  type ActionResult,
  convertEntry,
  type Delay,
  type NestedRequest,
} from './actions/action.ts';
import { NestedRunFailedError } from './actions/execute-document.ts';
import { findAction } from './actions/index.ts';
import { AttemptTimer } from './attempt-timer.ts';
import { evaluateCondition } from './conditions.ts';
import type { KeptValues } from './kept-values.ts';
import { iterationsOf } from './loop.ts';
import type { LoopPosition, Resolver, Scope, StepRecord } from './resolver.ts';
import type { DocumentRun, DocumentRunResult, StepStatus } from './run-documents.types.ts';
import type { Secrets } from './secrets.ts';
import { StepFailedError } from './step-failed.ts';
import { StepOutput } from './step-output.ts';
import {
  type InterruptedStep,
  NestedRunSuspendedError,
  RebootByCallerError,
  restoreRecord,
  StepSuspendedError,
  type SuspendedNestedRun,
} from './suspended-run.ts';
import { RebootRefusedError, TargetLostError } from './target.ts';
import type { TargetFacts } from './target-facts.ts';
import type { Workspace } from './workspace.ts';

/** Reboots that one attempt may ask for: a script that always exits 194 must come to an end. */
const MAX_REBOOTS = 10;

/** What all steps of a run share. */
export interface RunContext {
  readonly run: DocumentRun;
  readonly clock: Clock;
  readonly delay: Delay;
  readonly workspace: Workspace;
  readonly facts: TargetFacts;
  readonly secrets: Secrets;
  readonly kept: KeptValues;
  /** Documents that run around this one, the outermost first. */
  readonly ancestors: readonly string[];
  readonly runNested: (request: NestedRequest, signal: AbortSignal, context: RunContext) => Promise<DocumentRunResult>;
}

export interface StepOutcome {
  readonly status: StepStatus;
  readonly failureMessage: string;
  readonly lastLines: readonly string[];
  readonly timedOut?: boolean | undefined;
  readonly record: StepRecord;
}

const NOTHING: StepRecord = { inputs: [], outputs: {}, incomplete: new Set() };

/**
 * Runs one step: its condition once, then up to `maxAttempts` attempts, each with its own time and all iterations.
 * Rejects only when the run is aborted or suspended or the target is lost; everything else is an outcome.
 *
 * @param resume What was done before the machine was rebooted: the step goes on there.
 */
export async function runStep(
  step: Step,
  phase: string,
  resolver: Resolver,
  context: RunContext,
  resume?: InterruptedStep,
): Promise<StepOutcome> {
  const status = step.onFailure === 'Ignore' ? 'ignoredFailure' : 'failed';
  let failure: StepOutcome | undefined;
  const decision: Attempt<'Execute' | 'Skip' | 'Abort'> =
    resume !== undefined
      ? { result: 'Execute' }
      : await attempting(step, context, (timer, output) => decide(step, phase, resolver, context, timer, output));
  if ('failure' in decision) return { status, ...decision.failure };
  if (decision.result === 'Skip') return { status: 'skipped', failureMessage: '', lastLines: [], record: NOTHING };
  if (decision.result === 'Abort') {
    return { status, failureMessage: "the condition of 'if' says Abort", lastLines: [], record: NOTHING };
  }
  for (let attempt = resume?.attempt ?? 1; attempt <= step.maxAttempts; attempt++) {
    const done = attempt === resume?.attempt ? resume : undefined;
    if (attempt > 1) context.run.monitor.line('kiln', `${step.name}: attempt ${attempt} of ${step.maxAttempts}`);
    const ended = await attempting(step, context, (timer, output) =>
      runAttempt(step, phase, resolver, context, timer, output, done),
    ).catch((error: unknown) => {
      if (error instanceof StepSuspendedError) error.attempt = attempt;
      throw error;
    });
    if (!('failure' in ended)) return { status: 'success', failureMessage: '', lastLines: [], record: ended.result };
    failure = { status, ...ended.failure };
  }
  return failure ?? { status, failureMessage: 'no attempt was made', lastLines: [], record: NOTHING };
}

type Attempt<Result> = { readonly result: Result } | { readonly failure: Omit<StepOutcome, 'status'> };

/** Tells a failed step, which is a result, from an aborted run and a lost target, which are not. */
async function attempting<Result>(
  step: Step,
  { run, secrets }: RunContext,
  body: (timer: AttemptTimer, output: StepOutput) => Promise<Result>,
): Promise<Attempt<Result>> {
  run.signal.throwIfAborted();
  const timer = new AttemptTimer(step.timeoutSeconds, run.signal);
  const output = new StepOutput(run.monitor, step.disableLogging, secrets);
  try {
    return { result: await body(timer, output) };
  } catch (thrown) {
    run.signal.throwIfAborted();
    const error = coerceError(thrown);
    if (error instanceof TargetLostError || error instanceof StepSuspendedError) throw error;
    output.flush();
    const loop = step.loop === undefined ? '' : 'the loop ';
    const message = timer.expired === undefined ? error.message : `${loop}${timer.expired.message}`;
    const failureMessage = message.toWellFormed();
    const timedOut = timer.expired !== undefined || (error instanceof NestedRunFailedError && error.timedOut);
    return { failure: { failureMessage, lastLines: lastLinesOf(error, output), timedOut, record: nothingBut(error) } };
  } finally {
    timer.stop();
  }
}

/** What a nested run printed is not output of the step that ran it, but says why it failed. */
function lastLinesOf(error: Error, output: StepOutput): readonly string[] {
  return error instanceof NestedRunFailedError && error.lastLines.length > 0 ? error.lastLines : output.lastLines();
}

function nothingBut(error: Error): StepRecord {
  return error instanceof NestedRunFailedError ? { ...NOTHING, nested: [error.run], outputs: error.outputs } : NOTHING;
}

async function decide(
  step: Step,
  phase: string,
  resolver: Resolver,
  context: RunContext,
  timer: AttemptTimer,
  output: StepOutput,
): Promise<'Execute' | 'Skip' | 'Abort'> {
  const { condition } = step;
  if (condition === undefined) return 'Execute';
  await context.workspace.prepare(timer.signal);
  const scope = { phase, step: step.name, loop: undefined, signal: timer.signal };
  const holds = await evaluateCondition(condition.condition, actionContext(scope, resolver, context, output));
  return holds ? condition.whenTrue : condition.whenFalse;
}

async function runAttempt(
  step: Step,
  phase: string,
  resolver: Resolver,
  context: RunContext,
  timer: AttemptTimer,
  output: StepOutput,
  done: InterruptedStep | undefined,
): Promise<StepRecord> {
  const place = { phase, step: step.name, signal: timer.signal };
  const records = (done?.iterations ?? []).map(restoreRecord);
  if (step.loop === undefined) {
    if (records[0] !== undefined) return records[0];
    return runIteration(step, { ...place, loop: undefined }, resolver, context, timer, output, done);
  }
  const positions = await iterationsOf(step.loop, (text) => resolver.text(text, { ...place, loop: undefined }));
  const begin = records.length;
  for (const loop of positions.slice(begin)) {
    try {
      const before = loop.index === begin ? done : undefined;
      records.push(await runIteration(step, { ...place, loop }, resolver, context, timer, output, before));
    } catch (thrown) {
      if (thrown instanceof StepSuspendedError)
        throw new StepSuspendedError(thrown.reboots, [...records, ...thrown.iterations], thrown.nested);
      if (thrown instanceof TargetLostError || timer.signal.aborted) throw thrown;
      throw inIteration(loop, thrown);
    }
  }
  return mergeRecords(records);
}

function inIteration(loop: LoopPosition, thrown: unknown): StepFailedError {
  return new StepFailedError(`iteration ${loop.index} failed: ${coerceError(thrown).message}`);
}

/** Outputs of iterations are joined line by line; later steps see the inputs of the last. */
function mergeRecords(records: readonly StepRecord[]): StepRecord {
  const names = new Set(records.flatMap((record) => Object.keys(record.outputs)));
  return {
    inputs: records.at(-1)?.inputs ?? [],
    outputs: Object.fromEntries(
      [...names].map((name) => [name, records.map((record) => String(record.outputs[name] ?? '')).join('\n')]),
    ),
    incomplete: new Set(records.flatMap((record) => [...record.incomplete])),
    ...(records.at(-1)?.inputsGone === true ? { inputsGone: true } : {}),
    nested: records.flatMap((record) => record.nested ?? []),
  };
}

/** Runs the action, reboots as it asks, and runs it again where the reboot is to be followed by the same step. */
async function runIteration(
  step: Step,
  scope: Scope,
  resolver: Resolver,
  context: RunContext,
  timer: AttemptTimer,
  output: StepOutput,
  before: Pick<InterruptedStep, 'reboots' | 'nested'> | undefined,
): Promise<StepRecord> {
  const { os } = context.run.target;
  const action = findAction(step.action, os);
  if (context.run.blockedActions?.includes(step.action) === true) {
    throw new StepFailedError(`the action module ${step.action} is blocked in this run`);
  }
  if (action === undefined) throw new StepFailedError(`there is no action module ${step.action} on ${os}`);
  let nested = before?.nested;
  for (let reboots = before?.reboots ?? 0; ; reboots++) {
    await context.workspace.prepare(scope.signal);
    const inputs = await resolveInputs(step, action, scope, resolver);
    output.beginAnew();
    const result = await action
      .run(inputs, actionContext(scope, resolver, context, output, nested))
      .catch((error: unknown) => {
        throw error instanceof NestedRunSuspendedError ? new StepSuspendedError(reboots, [], error.nested) : error;
      });
    nested = undefined;
    if (result.reboot === undefined) return context.kept.keep(recordOf(inputs, result));
    if (reboots === MAX_REBOOTS) {
      const hint = result.reboot === 'repeat' ? '; a script must stop to ask once its work is done' : '';
      throw new StepFailedError(`asked for more than ${MAX_REBOOTS} reboots${hint}`);
    }
    const record = context.kept.keep(recordOf(inputs, result));
    await reboot(context, timer, output).catch((error: unknown) => {
      if (!(error instanceof RebootByCallerError)) throw error;
      throw result.reboot === 'next' ? new StepSuspendedError(0, [record]) : new StepSuspendedError(reboots + 1, []);
    });
    if (result.reboot === 'next') return record;
  }
}

async function resolveInputs(
  step: Step,
  action: Action,
  scope: Scope,
  resolver: Resolver,
): Promise<readonly StepInputs[]> {
  // A condition resolves each operand when it looks at it.
  if (action.module.shape === 'condition') return step.inputs;
  const entries: StepInputs[] = [];
  for (const entry of step.inputs) {
    entries.push(convertEntry(action.module, (await resolver.value(entry, scope)) as StepInputs));
  }
  return entries;
}

async function reboot({ run, workspace, facts }: RunContext, timer: AttemptTimer, output: StepOutput): Promise<void> {
  timer.stop();
  output.note(`rebooting ${run.target.name}`);
  try {
    await run.target.reboot(run.signal);
  } catch (error) {
    if (!(error instanceof RebootRefusedError)) throw error;
    throw new StepFailedError(`the step asks for a reboot, which is not possible here: ${error.message}`);
  }
  workspace.invalidate();
  facts.invalidate();
  timer.restart();
}

function recordOf(inputs: readonly StepInputs[], { outputs, incomplete = [], nested }: ActionResult): StepRecord {
  const record = { inputs, outputs, incomplete: new Set(incomplete) };
  return nested === undefined ? record : { ...record, nested: [nested] };
}

function actionContext(
  scope: Scope,
  resolver: Resolver,
  context: RunContext,
  output: StepOutput,
  suspended?: SuspendedNestedRun,
): ActionContext {
  const { target, environment } = context.run;
  return {
    target,
    environment,
    workspace: context.workspace,
    signal: scope.signal,
    output,
    delay: context.delay,
    resolve: (text) => resolver.text(text, scope),
    services: context.run.services ?? {},
    ancestors: context.ancestors,
    suspended,
    runNested: (request) => context.runNested(request, scope.signal, context),
  };
}
