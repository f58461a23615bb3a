import { type Kysely, sql } from 'kysely';
import type { MortalWorker } from '../../src/engine/simulated/mortal-worker.ts';
import type { Database } from '../../src/state/tables.ts';
import type { MortalServer } from './mortal-server.ts';
import { inTime, tolerant, untilNone } from './tolerant.ts';

export interface Starters {
  readonly worker: (id: string) => MortalWorker;
  readonly server: () => MortalServer;
}

/** Workers and the server that delivers events; what dies has a successor. */
export class Cast implements AsyncDisposable {
  readonly workers = new Map<string, MortalWorker>();
  /** Of workers that are leaving: called when they are killed before they have left. */
  readonly #leaving = new Map<string, () => void>();
  #server: MortalServer | undefined;
  readonly #start: Starters;
  readonly #db: Kysely<Database>;
  #names = 0;

  constructor(db: Kysely<Database>, start: Starters) {
    this.#db = db;
    this.#start = start;
  }

  add(): void {
    const id = `w-${this.#names++}`;
    this.workers.set(id, this.#start.worker(id));
  }

  serve(): void {
    this.#server = this.#start.server();
  }

  async kill(id: string): Promise<void> {
    const worker = this.workers.get(id);
    if (worker === undefined) return;
    this.workers.delete(id);
    const killed = this.#leaving.get(id);
    if (killed === undefined) this.add();
    await worker.kill();
    killed?.();
  }

  /** As SIGTERM: it cancels its builds, and is not there any more when that is done. It may be killed before. */
  async end(id: string): Promise<void> {
    const worker = this.workers.get(id);
    if (worker === undefined || this.#leaving.has(id)) return;
    const killed = Promise.withResolvers<void>();
    this.#leaving.set(id, killed.resolve);
    this.add();
    await inTime(`${id} is asked to`, Promise.race([worker.stop(), killed.promise]));
    this.#leaving.delete(id);
    this.workers.delete(id);
  }

  killServer(): void {
    this.#server?.kill();
    this.serve();
  }

  /** Until others have taken over all it had. */
  async freeze(id: string): Promise<void> {
    const worker = this.workers.get(id);
    // Somebody must be there to take over.
    if (worker === undefined || [...this.workers.values()].some(({ isFrozen }) => isFrozen)) return;
    worker.freeze();
    await tolerant(() =>
      sql`update workers set heartbeat_at = now() - interval '1 minute' where id = ${id}`.execute(this.#db),
    );
    const held = this.#db
      .selectFrom('images')
      .select(['arn', 'status'])
      .where('worker_id', '=', id)
      .where('ended_at', 'is', null)
      .where('queued_from', 'is', null);
    await untilNone(`Nobody takes over what ${id} had`, () => held.execute());
    worker.thaw();
  }

  /** The workers leave by themselves. */
  async leave(): Promise<void> {
    await inTime('workers leave', Promise.all([...this.workers.values()].map((worker) => worker.stop())));
    this.workers.clear();
  }

  async stopServing(): Promise<void> {
    await inTime('the server leaves', Promise.resolve(this.#server?.stop()));
    this.#server = undefined;
  }

  /** After a scenario that failed nobody keeps the process alive. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.kill();
    await Promise.all([...this.workers.values()].map((worker) => worker.kill()));
  }
}
