import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import { coerceError } from '../util/faults.ts';
import type { Database } from './tables.ts';

const CHANNEL = 'kiln_builds';
const RECONNECT_MS = 500;

/** The queue of builds that wait for a worker. The rows of the images are the queue (workers.ts reads it). */
export interface BuildJobs {
  /**
   * Queues a build, to begin or to go on, in the caller's transaction: both commit or neither does. Nobody takes it before
   * `inMs` are over.
   */
  enqueue(trx: Kysely<Database>, imageBuildVersionArn: string, options?: EnqueueOptions): Promise<void>;
  /**
   * Calls `wake` when something was queued, and when that may have been missed because the connection was lost. Never
   * rejects for a database that is away: then it tries again until it is disposed of.
   */
  listen(wake: () => void): AsyncDisposable;
}

export interface EnqueueOptions {
  /** Milliseconds from now, none when they are negative. Not a time: the database has its own clock, and queues by it. */
  readonly inMs?: number | undefined;
}

/** How to reach the database; see pg's ClientConfig. */
export type Connection =
  | { readonly connectionString: string }
  | { readonly host: string; readonly port: number; readonly user: string; readonly database: string };

export function buildJobs(connection: Connection, log: Logger): BuildJobs {
  return {
    enqueue: async (trx, arn, { inMs = 0 } = {}) => {
      const from = sql`now() + ${Math.max(0, inMs)}::float8 * interval '1 millisecond'`;
      await sql`
        with queued as (update images set queued_from = ${from} where arn = ${arn} returning arn)
        select pg_notify(${CHANNEL}, '') from queued`.execute(trx);
    },
    listen: (wake) => listen(connection, log, wake),
  };
}

function listen(connection: Connection, log: Logger, wake: () => void): AsyncDisposable {
  const ending = new AbortController();
  const ended = (async () => {
    while (!ending.signal.aborted) {
      const client = new pg.Client({ ...connection, application_name: 'kiln queue', connectionTimeoutMillis: 10_000 });
      const lost = Promise.withResolvers<void>();
      const end = (): void => lost.resolve();
      client.on('error', end).on('end', end).on('notification', wake);
      ending.signal.addEventListener('abort', end, { once: true });
      try {
        await client.connect();
        await client.query(`listen ${CHANNEL}`);
        wake();
        await lost.promise;
      } catch (error) {
        log.debug({ err: coerceError(error) }, 'the queue cannot be listened to');
      }
      ending.signal.removeEventListener('abort', end);
      await client.end().catch(() => {});
      if (!ending.signal.aborted) await pauseUnlessEnding(ending.signal);
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await ended;
    },
  };
}

/** A server that restarts refuses connections for a moment. */
function pauseUnlessEnding(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, RECONNECT_MS);
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
  });
}
