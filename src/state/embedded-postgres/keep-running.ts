import { setTimeout as delay } from 'node:timers/promises';
import { coerceError } from '../../util/faults.ts';
import { type EmbeddedPostgres, type StartOptions, startEmbeddedPostgres } from './start.ts';

/** The server of a directory, whichever process it is at the moment. */
export interface KeptPostgres extends Pick<EmbeddedPostgres, 'host' | 'port' | 'user'> {
  /** Of the server that runs now, or of the one that ended last. */
  readonly pid: number;
  /** Ends the server, which then stays ended, and waits until it is gone. May be called twice. */
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A server that reads its log again after a crash is not to be disturbed. */
const PATIENCE_MS = 600_000;

/**
 * As startEmbeddedPostgres, and starts the server again whenever it ends by itself (killed, out of memory): everything
 * committed is there, and connections made from then on find it in the same place. What keeps it from starting is logged,
 * and it is tried again until it does or until it is stopped.
 */
export async function keepEmbeddedPostgres(options: StartOptions): Promise<KeptPostgres> {
  const { log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let current = await startEmbeddedPostgres(options);
  const { host, port, user } = current;
  const again = { ...options, signal, patienceMs: PATIENCE_MS };
  const keeping = (async () => {
    while (await current.hasEnded(signal)) {
      log.error({ pid: current.pid }, 'the embedded PostgreSQL ended by itself; it is being started again');
      const started = await startAgain(again);
      if (started === undefined) return;
      current = started;
      log.warn({ pid: current.pid }, 'the embedded PostgreSQL runs again');
    }
  })();
  let stopped: Promise<void> | undefined;
  return {
    ...{ host, port, user },
    get pid() {
      return current.pid;
    },
    stop: () => {
      stopped ??= (async () => {
        stopping.abort();
        await keeping;
        await current.stop();
      })();
      return stopped;
    },
  };
}

/** Undefined when the signal was aborted before a start succeeded. */
async function startAgain(options: StartOptions): Promise<EmbeddedPostgres | undefined> {
  const { signal, log } = options;
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await startEmbeddedPostgres(options);
    } catch (error) {
      if (signal.aborted) break;
      log.error({ err: coerceError(error) }, 'the embedded PostgreSQL could not be started again');
      await delay(pause, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
}
