import type { Instance, UnbootedInstance } from '../../build-host/build-host.ts';
import { runDocuments } from '../../toe/run-documents.ts';
import type { DocumentRun, DocumentRunResult, RunnableDocument } from '../../toe/run-documents.types.ts';
import { TargetLostError } from '../../toe/target.ts';
import { BuildFailure } from '../../util/faults.ts';
import type { Monitor } from '../../util/monitor.ts';
import { runningSystemNeed } from '../needs-running-system.ts';

export interface ComponentRun {
  readonly documents: Omit<DocumentRun, 'target'>;
  readonly phases: readonly string[];
  readonly instance: Instance;
  readonly monitor: Monitor;
  /** What messages call a component. */
  readonly nameOf: (document: RunnableDocument) => string;
}

export interface ComponentOutcome {
  readonly result: DocumentRunResult;
  /** Set when the instance began as a mounted disk: where each component ran, and what made it boot. */
  readonly executors: readonly ComponentExecutor[] | undefined;
}

export interface ComponentExecutor {
  readonly component: string;
  readonly executor: 'direct' | 'vm';
  /** Why it did not run on the mounted disk. */
  readonly reason?: string;
}

/**
 * Runs components on an instance. On a mounted disk they run one by one, each up to a checkpoint; at the first that needs
 * a running system, or that does not end well, the disk is taken back to the checkpoint and booted, and that component
 * and all after it run on the machine.
 */
export async function runComponents(run: ComponentRun): Promise<ComponentOutcome> {
  const { instance, documents } = run;
  const { unbooted } = instance;
  if (unbooted === undefined) {
    return { result: await runDocuments({ ...documents, target: instance.target }), executors: undefined };
  }
  const results: DocumentRunResult[] = [];
  const executors: ComponentExecutor[] = [];
  for (const [index, document] of documents.documents.entries()) {
    const last = index === documents.documents.length - 1;
    const { result, reason } = await runOnDisk(run, document, unbooted);
    if (reason === undefined && result !== undefined) {
      results.push(result);
      executors.push({ component: document.id, executor: 'direct' });
      run.monitor.line('kiln', `${run.nameOf(document)} ran on the mounted disk`);
      if (result.status === 'failed') break;
      if (!last) await unbooted.checkpoint(documents.signal);
      continue;
    }
    const why = reason ?? 'it did not end';
    if (unbooted.boot === undefined) {
      throw new BuildFailure(`${run.nameOf(document)} cannot be run without booting the image: ${why}`, {
        hint: 'Build it with the executor auto or vm.',
      });
    }
    run.monitor.line('kiln', `Booting the disk as it was before ${run.nameOf(document)}: ${why}`);
    await unbooted.boot({ signal: documents.signal, monitor: run.monitor });
    executors.push({ component: document.id, executor: 'vm', reason: why });
    const rest = documents.documents.slice(index);
    results.push(await runDocuments({ ...documents, documents: rest, target: instance.target }));
    executors.push(...rest.slice(1).map((other) => ({ component: other.id, executor: 'vm' as const })));
    break;
  }
  return { result: joined(documents.executionId, results), executors };
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
  const need = runningSystemNeed(document.document, phases);
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
