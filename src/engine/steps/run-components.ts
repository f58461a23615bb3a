import type { Instance, UnbootedInstance } from '../../build-host/build-host.ts';
import { runDocuments } from '../../toe/run-documents.ts';
import type { DocumentRun, DocumentRunResult, RunnableDocument } from '../../toe/run-documents.types.ts';
import { TargetLostError } from '../../toe/target.ts';
import { systemClock } from '../../util/clock.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { Monitor } from '../../util/monitor.ts';
import type { BuildHistory } from '../checkpoints/build-history.ts';
import { runningSystemNeed } from '../needs-running-system.ts';

export interface ComponentRun {
  readonly documents: Omit<DocumentRun, 'target'>;
  readonly phases: readonly string[];
  readonly instance: Instance;
  readonly monitor: Monitor;
  /** What messages call a component. */
  readonly nameOf: (document: RunnableDocument) => string;
  /** Why the instance is a machine from the start, for people. */
  readonly whyMachine?: string | undefined;
  /** What led to the instance's disk: components whose work is on it do not run. */
  readonly history?: BuildHistory | undefined;
}

export interface ComponentOutcome {
  readonly result: DocumentRunResult;
  /** Where each component ran, what made the disk boot, and what was reused. */
  readonly executors: readonly ComponentExecutor[];
  /** After a failure: the state before the component that failed, when it can be had again. */
  readonly stateBefore?: StateBefore | undefined;
}

export interface StateBefore {
  /** Of a checkpoint. */
  readonly key: string;
  /** What has ended well on it since, too quickly to be kept. */
  readonly lacks: readonly RunnableDocument[];
}

export interface ComponentExecutor {
  readonly component: string;
  readonly executor: 'direct' | 'vm';
  /** Why it did not run on the mounted disk. */
  readonly reason?: string;
  /** Set when it did not run in this build: when and for which image it did. */
  readonly reused?: { readonly ranAt: string; readonly image: string };
  /** Of the state after it, where a checkpoint of that may have been kept. */
  readonly key?: string;
  readonly failed?: boolean;
}

/**
 * Runs components on an instance. On a mounted disk they run one by one, each up to a checkpoint; at the first that needs
 * a running system, or that does not end well, the disk is taken back to the checkpoint and booted, and that component
 * and all after it run on the machine.
 */
export async function runComponents(run: ComponentRun): Promise<ComponentOutcome> {
  const { instance, documents, history } = run;
  const { unbooted } = instance;
  const clock = documents.clock ?? systemClock;
  const executors: ComponentExecutor[] = (history?.reused ?? []).map(
    ({ component, executor, ranAt, image }, index) => ({
      ...{ component, executor, reused: { ranAt, image }, ...keyAfter(history, index, executor) },
    }),
  );
  const remaining = documents.documents.slice(executors.length);
  if (unbooted === undefined) {
    const { result, stateBefore } = await runOnMachine(run, remaining);
    return { result, executors: [...executors, ...onMachine(remaining, result, run, executors.length)], stateBefore };
  }
  const results: DocumentRunResult[] = [];
  let stateBefore: StateBefore | undefined;
  for (const [index, document] of remaining.entries()) {
    const isLast = index === remaining.length - 1;
    const ranAt = clock.now();
    await history?.begins(1, instance.target, documents.signal);
    const { result, reason } = await runOnDisk(run, document, unbooted);
    if (reason === undefined && result !== undefined) {
      results.push(result);
      executors.push({
        ...{ component: document.id, executor: 'direct' },
        ...(result.status === 'failed' ? { failed: true } : keyAfter(history, executors.length, 'direct')),
      });
      run.monitor.line('kiln', `${run.nameOf(document)} ran on the mounted disk`);
      if (result.status === 'failed') {
        stateBefore = await keepDisk(history);
        break;
      }
      const ended = {
        executor: 'direct',
        seconds: (clock.now().getTime() - ranAt.getTime()) / 1000,
        ranAt,
        isLast,
      } as const;
      if (history !== undefined) await history.ended(ended, unbooted, documents.signal);
      else if (!isLast) await unbooted.checkpoint(documents.signal);
      continue;
    }
    const why = reason ?? 'it did not end';
    // Whatever comes of it on a machine, the state before it is there to be looked at, and to go on from.
    stateBefore = await keepDisk(history);
    if (unbooted.boot === undefined) {
      throw new BuildFailure(`${run.nameOf(document)} cannot be run without booting the image: ${why}`, {
        hint: 'Build it with the executor auto or vm.',
      });
    }
    run.monitor.line('kiln', `Booting the disk as it was before ${run.nameOf(document)}: ${why}`);
    await boot(run, unbooted.boot);
    const rest = remaining.slice(index);
    const onwards = await runOnMachine(run, rest);
    results.push(onwards.result);
    executors.push(...onMachine(rest, onwards.result, { ...run, whyMachine: why }, executors.length));
    stateBefore = onwards.stateBefore ?? lacking(stateBefore, rest, onwards.result);
    break;
  }
  return { result: joined(documents.executionId, results), executors, stateBefore };
}

/** The disk as it is becomes a machine: one of an earlier build that runs on the same disk, else by a boot. */
async function boot(
  { documents: { signal, clock = systemClock }, instance, monitor, history }: ComponentRun,
  start: NonNullable<UnbootedInstance['boot']>,
): Promise<void> {
  const context = { signal, monitor };
  const machine = await history?.findMachine(signal);
  if (machine !== undefined) {
    try {
      await start(context, machine);
      machine.taken();
      monitor.line('kiln', 'A machine goes on that an earlier build had booted on the same disk');
      return;
    } catch (error) {
      await machine.spoiled(coerceError(error));
      signal.throwIfAborted();
    }
  }
  const ranAt = clock.now();
  await start(context);
  const seconds = (clock.now().getTime() - ranAt.getTime()) / 1000;
  await history?.booted(instance, { ranAt, seconds }, context);
}

async function runOnMachine(
  { documents, instance, history, monitor }: ComponentRun,
  remaining: readonly RunnableDocument[],
): Promise<Pick<ComponentOutcome, 'result' | 'stateBefore'>> {
  const context = { signal: documents.signal, monitor };
  const clock = documents.clock ?? systemClock;
  // One by one where the machine can be kept between them; a run that goes on from its records is one run.
  const oneByOne = history !== undefined && instance.checkpointMachine !== undefined && documents.resume === undefined;
  const results: DocumentRunResult[] = [];
  let first = documents.documents.length - remaining.length;
  for (const documentsNow of oneByOne ? remaining.map((document) => [document]) : [remaining]) {
    await history?.begins(documentsNow.length, instance.target, documents.signal);
    const begin = clock.now();
    const { target } = instance;
    const result = await runDocuments({ ...withJournalFrom(first, documents), documents: documentsNow, target });
    first += documentsNow.length;
    results.push(result);
    const took = (clock.now().getTime() - begin.getTime()) / 1000;
    for (const { status, startTime, endTime, id } of result.documents) {
      if (status === 'failed') break;
      const [ranAt, end] = [new Date(startTime), new Date(endTime)];
      // Records of documents have whole seconds.
      const seconds = oneByOne ? took : (end.getTime() - ranAt.getTime()) / 1000;
      const ended = { executor: 'vm', seconds, ranAt, isLast: id === remaining.at(-1)?.id } as const;
      await history?.endedOnMachine(ended, instance, context);
    }
    if (result.status === 'failed') break;
  }
  const result = joined(documents.executionId, results);
  const newest = result.status === 'failed' ? await history?.newestMachine() : undefined;
  if (history === undefined || newest === undefined) return { result };
  const { key, since } = newest;
  const done = history.records.length;
  return { result, stateBefore: { key, lacks: documents.documents.slice(done - since, done) } };
}

/** The run of documents of which the first has this index among all: in the journal they have the index that they have there. */
function withJournalFrom(first: number, run: ComponentRun['documents']): ComponentRun['documents'] {
  const { journal } = run;
  if (journal === undefined) return run;
  return {
    ...run,
    journal: {
      begin: (place) => journal.begin({ ...place, document: first + place.document }),
      end: (finished) => journal.end({ ...finished, document: first + finished.document }),
    },
  };
}

async function keepDisk(history: BuildHistory | undefined): Promise<StateBefore | undefined> {
  const key = await history?.keep();
  return key === undefined ? undefined : { key, lacks: [] };
}

/** The state of the disk that was booted, without what has ended well on the machine. */
function lacking(
  disk: StateBefore | undefined,
  onMachine: readonly RunnableDocument[],
  { documents }: DocumentRunResult,
): StateBefore | undefined {
  const ended = documents.filter(({ status }) => status !== 'failed').length;
  return disk === undefined ? undefined : { ...disk, lacks: onMachine.slice(0, ended) };
}

function keyAfter(
  history: BuildHistory | undefined,
  index: number,
  executor: 'direct' | 'vm',
): { readonly key?: string } {
  const key = history?.keyAfter(index, executor);
  return key === undefined ? {} : { key };
}

/** The reason is that of the first; the others follow it. */
function onMachine(
  documents: readonly RunnableDocument[],
  { documents: ended }: DocumentRunResult,
  { whyMachine: why, history }: Pick<ComponentRun, 'whyMachine' | 'history'>,
  before: number,
): readonly ComponentExecutor[] {
  const statusOf = new Map(ended.map(({ id, status }) => [id, status]));
  return documents.map(({ id }, index) => {
    const status = statusOf.get(id);
    return {
      ...{ component: id, executor: 'vm' },
      ...(index > 0 || why === undefined ? {} : { reason: why }),
      ...(status === 'failed' ? { failed: true } : status === undefined ? {} : keyAfter(history, before + index, 'vm')),
    };
  });
}

interface DiskOutcome {
  readonly result?: DocumentRunResult;
  /** Why the result does not count. */
  readonly reason?: string;
}

async function runOnDisk(
  run: ComponentRun,
  document: RunnableDocument,
  unbooted: UnbootedInstance,
): Promise<DiskOutcome> {
  const { documents, phases, instance } = run;
  const need = runningSystemNeed(document.document, phases, document.parameters);
  if (need !== undefined) return { reason: `step ${need.step} of phase ${need.phase} ${need.why}` };
  let result: DocumentRunResult;
  try {
    result = await runDocuments({ ...documents, documents: [document], target: instance.target });
  } catch (error) {
    if (!(error instanceof TargetLostError)) throw error;
    return { reason: error.message };
  }
  const caught = await unbooted.caught(documents.signal);
  if (caught.length > 0) return { reason: `it ran ${caught.join(', ')}, which only a running system can obey` };
  if (unbooted.boot === undefined) return { result };
  if (result.status === 'failed') {
    const { step = '', errorMessage = result.failureMessage } = result.firstFailure ?? {};
    return { reason: `step ${step} failed without a running system: ${errorMessage}` };
  }
  // What fails here and is ignored might succeed on a machine, and the image would be another one.
  if (result.ignoredFailedStepCount > 0)
    return { reason: 'a step whose failure is ignored failed without a running system' };
  return { result };
}

/** One result of documents that ran one after the other. */
function joined(executionId: string, results: readonly DocumentRunResult[]): DocumentRunResult {
  const sum = (of: (result: DocumentRunResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const failed = results.find(({ status }) => status === 'failed');
  return {
    executionId,
    status: failed === undefined ? 'success' : 'failed',
    executedStepCount: sum((result) => result.executedStepCount),
    failedStepCount: sum((result) => result.failedStepCount),
    ignoredFailedStepCount: sum((result) => result.ignoredFailedStepCount),
    failureMessage: failed?.failureMessage ?? '',
    firstFailure: failed?.firstFailure,
    documents: results.flatMap(({ documents }) => documents),
  };
}
