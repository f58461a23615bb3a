import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { isPostmasterOf } from './postmaster.ts';

/** A server process, whether it is our child or not. */
export interface ServerProcess {
  readonly pid: number;
  isRunning(): Promise<boolean>;
  /** Resolves to true once it is gone, and to false when the signal is aborted before. */
  hasEnded(signal: AbortSignal): Promise<boolean>;
  signal(signal: NodeJS.Signals): void;
}

export function childServer(child: ChildProcess): ServerProcess {
  return {
    pid: Number(child.pid),
    isRunning: async () => isRunning(child),
    hasEnded: (signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          child.off('exit', end);
          signal.removeEventListener('abort', end);
          resolve(!isRunning(child));
        };
        if (signal.aborted || !isRunning(child)) return resolve(!isRunning(child));
        child.once('exit', end);
        signal.addEventListener('abort', end, { once: true });
      }),
    signal: (signal) => void child.kill(signal),
  };
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

export function foreignServer(pid: number, dataDir: string): ServerProcess {
  return {
    pid,
    isRunning: () => isPostmasterOf(pid, dataDir),
    // Nobody is told of the end of a process that is not a child.
    hasEnded: async (signal) => {
      while (await isPostmasterOf(pid, dataDir)) {
        if (signal.aborted) return false;
        await delay(WATCH_MS, undefined, { signal, ref: false }).catch(() => {});
      }
      return true;
    },
    signal: (signal) => {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended by itself in the meantime.
      }
    },
  };
}

/**
 * Fast shutdown, which cuts connections and leaves the data clean; then immediate shutdown, which leaves the recovery to
 * the next start; then the kernel's. Nothing that was committed is lost in any of them.
 * Source: PostgreSQL manual, "Shutting Down the Server".
 */
const WAYS = [
  { signal: 'SIGINT', patienceMs: 5_000 },
  { signal: 'SIGQUIT', patienceMs: 2_000 },
  { signal: 'SIGKILL', patienceMs: 2_000 },
] as const;

const POLL_MS = 10;
const WATCH_MS = 500;

/** Ends a server and waits until it is gone. */
export async function stopServer(server: ServerProcess): Promise<void> {
  for (const { signal, patienceMs } of WAYS) {
    if (!(await server.isRunning())) return;
    server.signal(signal);
    const deadline = AbortSignal.timeout(patienceMs);
    while ((await server.isRunning()) && !deadline.aborted) await delay(POLL_MS);
  }
}
