import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { BuildHost, Instance } from '../../build-host/build-host.ts';
import { type BuildJobs, buildJobs, type Connection } from '../../state/build-jobs.ts';
import type { Database } from '../../state/tables.ts';
import { silentLog } from '../../state/test-log.ts';
import type { WorkerRoom } from '../admission.ts';
import type { Engine } from '../engine.ts';
import { startWorker, type Worker } from '../worker.ts';

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
  /** Lets it end its builds and waits for that; it must live. */
  stop(): Promise<void>;
}

export interface MortalOptions {
  readonly id: string;
  readonly engine: Omit<Engine, 'db' | 'jobs' | 'workerId'>;
  readonly connection: Connection;
  readonly room: WorkerRoom;
  /** Called before each use of a port; may make something happen. */
  readonly onUse: () => void;
}

const never = new Promise<never>(() => {});

/** What passes does so only while the worker lives, and waits while it is frozen. */
class Life {
  #dead = false;
  #frozen: PromiseWithResolvers<void> | undefined;
  readonly #onUse: () => void;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(onUse: () => void) {
    this.#onUse = onUse;
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  kill(): void {
    this.#dead = true;
    this.thaw();
  }

  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /** Resolves when what was under way is over, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #pass(): Promise<void> {
    while (this.#frozen !== undefined) await this.#frozen.promise;
    if (this.#dead) await never;
  }

  async use<Result>(work: () => Promise<Result>): Promise<Result> {
    // Only who lives uses something.
    await this.#pass();
    this.#onUse();
    await this.#pass();
    const working = work();
    this.#underWay.add(working);
    try {
      return await working;
    } finally {
      this.#underWay.delete(working);
      await this.#pass();
    }
  }
}

export function startMortalWorker({ id, engine: given, connection, room, onUse }: MortalOptions): MortalWorker {
  const life = new Life(onUse);
  const sockets = new Set<{ destroy(): void }>();
  const pool = mortalPool(connection, sockets, life);
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  const wakes = new Set<() => void>();
  const jobs: BuildJobs = {
    enqueue: buildJobs(connection, silentLog).enqueue,
    listen: (wake) => {
      wakes.add(wake);
      wake();
      return { [Symbol.asyncDispose]: async () => void wakes.delete(wake) };
    },
  };
  const { imageStore } = given;
  const engine: Engine = {
    ...given,
    ...{ db, jobs, workerId: id },
    buildHost: mortalHost(given.buildHost, life),
    imageStore: {
      ...imageStore,
      get: (amiId) => life.use(() => imageStore.get(amiId)),
      list: () => life.use(() => imageStore.list()),
      capture: (request, context) => life.use(() => imageStore.capture(request, context)),
      remove: (amiId) => life.use(() => imageStore.remove(amiId)),
    },
  };
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
      for (const socket of sockets) socket.destroy();
      // Its timers end, as those of a process do. Whatever else it does about that goes nowhere, but what was under way
      // must not hear of it: it is what a process leaves behind.
      void life.settled().then(async () => (await started).stop('It was killed.'));
    },
    stop: async () => {
      await (await started).stop('The test is over.');
      await db.destroy();
    },
  };
}

/** Connections that break with the worker, and whose answers it does not hear any more. */
function mortalPool(connection: Connection, sockets: Set<{ destroy(): void }>, life: Life) {
  const pool = new pg.Pool({
    ...connection,
    ...{ max: 6, connectionTimeoutMillis: 10_000, idle_in_transaction_session_timeout: 500 },
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
    sockets.add(stream);
    client.on('error', () => {});
    client.on('end', () => sockets.delete(stream));
  });
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async (): Promise<PostgresPoolClient> => {
      const client = await life.use(() => pool.connect());
      const query = (...args: readonly unknown[]): Promise<unknown> =>
        life.use(() => (client.query as (...all: readonly unknown[]) => Promise<unknown>)(...args));
      return new Proxy(client, {
        get: (target, name) => (name === 'query' ? query : Reflect.get(target, name, target)),
      }) as unknown as PostgresPoolClient;
    },
  };
}

function mortalHost(host: BuildHost, life: Life): BuildHost {
  const mortal = (instance: Instance): Instance => ({
    instanceId: instance.instanceId,
    enterCommand: instance.enterCommand,
    target: { ...instance.target, run: (command) => life.use(() => instance.target.run(command)) },
    stopForCapture: (context) => life.use(() => instance.stopForCapture(context)),
    get unbooted() {
      return instance.unbooted;
    },
  });
  return {
    launch: async (request, context) => mortal(await life.use(() => host.launch(request, context))),
    find: async (instanceId) => {
      const found = await life.use(() => host.find(instanceId));
      return found === undefined ? undefined : mortal(found);
    },
    list: () => life.use(() => host.list()),
    terminate: (instanceId) => life.use(() => host.terminate(instanceId)),
  };
}
