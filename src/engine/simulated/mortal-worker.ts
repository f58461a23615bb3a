import { type BuildJobs, buildJobs, type Connection } from '../../state/build-jobs.ts';
import { silentLog } from '../../state/test-log.ts';
import type { WorkerRoom } from '../admission.ts';
import type { Engine } from '../engine.ts';
import { startWorker, type Worker } from '../worker.ts';
import { Life } from './life.ts';
import { mortalDatabase } from './mortal-database.ts';
import { mortalPorts, type Ports } from './mortal-ports.ts';

/** Why the builds of a worker are cancelled that leaves. */
export const LEAVES = 'The worker leaves.';

/** A worker within this process that can be killed or frozen as a process can: nothing comes from it any more. */
export interface MortalWorker {
  readonly id: string;
  readonly isFrozen: boolean;
  /** As SIGKILL. What it had under way in the database may have been done or not. */
  kill(): Promise<void>;
  /** As SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Something was queued. */
  wake(): void;
  /** Lets it cancel its builds and waits for that, for ever when it is killed before. */
  stop(): Promise<void>;
}

export interface MortalOptions {
  readonly id: string;
  readonly engine: Ports;
  readonly connection: Connection;
  readonly room: WorkerRoom;
  /** Called before each use of a port, with how much it counts; may make something happen. */
  readonly onUse: (weight: number) => void;
}

export function startMortalWorker({ id, engine: given, connection, room, onUse }: MortalOptions): MortalWorker {
  const life = new Life(onUse);
  const { db, cut } = mortalDatabase(connection, life);
  const wakes = new Set<() => void>();
  const jobs: BuildJobs = {
    enqueue: buildJobs(connection, silentLog).enqueue,
    listen: (wake) => {
      wakes.add(wake);
      wake();
      return { [Symbol.asyncDispose]: async () => void wakes.delete(wake) };
    },
  };
  const engine: Engine = { ...mortalPorts(given, life), db, jobs, workerId: id };
  // While the database is away it cannot start.
  const starting = async (): Promise<Worker> => {
    for (;;) {
      const worker = await startWorker(engine, jobs, room, { heartbeatMs: 100 }).catch(() => undefined);
      if (worker !== undefined) return worker;
      await life.use(() => new Promise((resolve) => setTimeout(resolve, 20)));
    }
  };
  const started = starting();
  return {
    id,
    get isFrozen() {
      return life.isFrozen;
    },
    freeze: () => life.freeze(),
    thaw: () => life.thaw(),
    wake: () => {
      for (const wake of wakes) wake();
    },
    kill: async () => {
      life.kill();
      cut();
      // Its timers end, as those of a process do. Whatever else it does about that goes nowhere, but what was under way
      // must not hear of it: it is what a process leaves behind.
      void life.settled().then(async () => (await started).stop('It was killed.'));
    },
    stop: async () => {
      await (await started).stop(LEAVES);
      await db.destroy();
    },
  };
}
