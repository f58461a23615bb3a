import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { isPostmasterOf } from './postmaster.ts';

/** A server process, whether it is our child or not. */
export interface ServerProcess {
  readonly pid: number;
  isRunning(): Promise<boolean>;
  signal(signal: NodeJS.Signals): void;
}

export function childServer(child: ChildProcess): ServerProcess {
  return {
    pid: Number(child.pid),
    isRunning: async () => child.exitCode === null && child.signalCode === null,
    signal: (signal) => void child.kill(signal),
  };
}

export function foreignServer(pid: number, dataDir: string): ServerProcess {
  return {
    pid,
    isRunning: () => isPostmasterOf(pid, dataDir),
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

/** Ends a server and waits until it is gone. */
export async function stopServer(server: ServerProcess): Promise<void> {
  for (const { signal, patienceMs } of WAYS) {
    if (!(await server.isRunning())) return;
    server.signal(signal);
    const deadline = AbortSignal.timeout(patienceMs);
    while ((await server.isRunning()) && !deadline.aborted) await delay(POLL_MS);
  }
}
