import type { Kysely } from 'kysely';
import { fromKysely, PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import { coerceError } from '../util/faults.ts';
import type { Database } from './tables.ts';

const QUEUE = 'build-image';

interface BuildImageJob {
  readonly imageBuildVersionArn: string;
}

/**
 * Builds one image to its end. It must first claim the image (transitions/claim-image.ts), because a job may come a
 * second time: then the claim is refused and there is nothing to do. What it throws is logged; the job is not tried
 * again, since whether a failed build is tried again is not the queue's to decide.
 * `signal` aborts when the worker stops.
 */
export type BuildHandler = (imageBuildVersionArn: string, signal: AbortSignal) => Promise<void>;

/** The queue of builds that are to be started. */
export interface BuildJobs {
  /** Queues a build in the caller's transaction: both commit or neither does. Nobody takes it before `notBefore`. */
  enqueue(trx: Kysely<Database>, imageBuildVersionArn: string, options?: EnqueueOptions): Promise<void>;
  /**
   * Starts to take jobs, at most `concurrency` at a time. Closing the worker takes no further jobs, aborts the signals
   * of the running handlers and waits for their end. Jobs that were not taken wait for the next worker.
   */
  work(handler: BuildHandler, options: { readonly concurrency: number }): Promise<BuildWorker>;
}

export interface EnqueueOptions {
  readonly notBefore?: Date | undefined;
}

export interface BuildWorker extends AsyncDisposable {
  /** May be called twice. */
  close(): Promise<void>;
}

export interface OpenBuildJobs extends BuildJobs {
  /** Ends the queue's connections. Workers must be closed before. */
  close(): Promise<void>;
}

/** How to reach the database; see pg's ClientConfig. */
export type Connection =
  | { readonly connectionString: string }
  | { readonly host: string; readonly port: number; readonly user: string; readonly database: string };

/** Connects to the queue and makes its tables (schema `pgboss`) when they are not there. */
export async function openBuildJobs(connection: Connection, log: Logger): Promise<OpenBuildJobs> {
  const boss = new PgBoss({
    ...connection,
    max: 4,
    schedule: false,
    useListenNotify: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
  boss.on('error', (error) => log.error({ err: error }, 'build queue'));
  boss.on('warning', (warning) => log.warn({ warning }, 'build queue'));
  try {
    await boss.start();
    // A job whose worker died (no heartbeat) goes to another worker: it may have died before it claimed the image.
    // 24 hours is the longest that pg-boss lets a job be active; a build that takes longer goes on, and its job comes
    // to another worker whose claim is refused.
    const options = { heartbeatSeconds: 10, expireInSeconds: 24 * 3600, retryLimit: 100, retryDelay: 1, notify: true };
    await boss.createQueue(QUEUE, options);
    await boss.updateQueue(QUEUE, options);
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw error;
  }
  return {
    enqueue: async (trx, imageBuildVersionArn, { notBefore } = {}) => {
      await boss.send(QUEUE, { imageBuildVersionArn } satisfies BuildImageJob, {
        db: fromKysely(trx),
        ...(notBefore === undefined ? {} : { startAfter: notBefore }),
      });
    },
    work: (handler, { concurrency }) => startWorker(boss, log, handler, concurrency),
    close: () => boss.stop({ graceful: false }),
  };
}

async function startWorker(boss: PgBoss, log: Logger, handler: BuildHandler, concurrency: number) {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  await boss.work<BuildImageJob>(
    QUEUE,
    { localConcurrency: concurrency, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 1 },
    async ([job]) => {
      if (job === undefined) return;
      const arn = job.data.imageBuildVersionArn;
      // Fetched while the worker was stopping: failing the job gives it back to the queue.
      stopping.signal.throwIfAborted();
      // The job's own signal is not passed on. It aborts when the queue thinks that this process died (a laptop that
      // slept), but nobody else can have the image: its claim decides, not the queue.
      const build = handler(arn, stopping.signal).catch((thrown: unknown) => {
        log.error({ err: coerceError(thrown), imageBuildVersionArn: arn }, 'a build ended with an error');
      });
      running.add(build);
      await build.finally(() => running.delete(build));
    },
  );
  const close = async (): Promise<void> => {
    stopping.abort(new Error('the worker stops'));
    await boss.offWork(QUEUE, { wait: true });
    await Promise.allSettled(running);
  };
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => {
    closed ??= close();
    return closed;
  };
  return { close: closeOnce, [Symbol.asyncDispose]: closeOnce };
}
