import type { BuildJobs } from '../state/build-jobs.ts';
import { type ClaimWatches, claimWatches } from '../state/claim-watches.ts';
import type { WorkerCapacity } from '../state/tables.ts';
import {
  aliveCapacities,
  beat,
  HEARTBEAT_MS,
  nextBuilds,
  releaseLostBuilds,
  removeWorker,
  workersOf,
} from '../state/workers.ts';
import { coerceError } from '../util/faults.ts';
import {
  admit,
  admitInSpiteOfDisk,
  type BuildDemand,
  fits,
  type QueuedImage,
  total,
  type WorkerRoom,
} from './admission.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled } from './failure.ts';
import { heldMemory } from './held-memory.ts';
import { removeLeftoverAmis } from './remove-leftover-amis.ts';
import { runBuild } from './run-build.ts';
import { terminateLeftovers } from './terminate-leftovers.ts';

/** Takes builds from the queue and runs them. */
export interface Worker extends AsyncDisposable {
  /**
   * Takes no further build, cancels those that run and waits until nothing of them is left; done within ten seconds.
   * `reason` is what the cancelled images say. Builds that wait stay queued. May be called twice.
   */
  stop(reason: string): Promise<void>;
}

const STOPPED = 'Kiln was stopped while the image was being built.';
/** Of the queue, how many are looked at beyond those that could be begun, when some of these cannot: they need another worker. */
const LOOK_AHEAD = 20;

/**
 * Registers as a worker, gives back to the queue what workers of this place left behind when they ended, and takes builds:
 * new ones, those that were parked, and those of lost workers. Several workers may share a database; two of them may share
 * a place.
 */
export async function startWorker(
  engine: Engine,
  jobs: BuildJobs,
  room: WorkerRoom,
  { heartbeatMs = HEARTBEAT_MS }: { readonly heartbeatMs?: number } = {},
): Promise<Worker> {
  const worker = new RunningWorker(engine, room, heartbeatMs);
  await worker.begin();
  const ticking = worker.tick();
  const listening = jobs.listen(() => worker.wake());
  let stopped: Promise<void> | undefined;
  const stop = (reason: string): Promise<void> => {
    stopped ??= worker.end(reason, async () => {
      await listening[Symbol.asyncDispose]();
      await ticking;
    });
    return stopped;
  };
  return { stop, [Symbol.asyncDispose]: () => stop(STOPPED) };
}

class RunningWorker {
  readonly #engine: Engine;
  readonly #room: WorkerRoom;
  readonly #heartbeatMs: number;
  readonly #watches: ClaimWatches;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, { readonly demand: BuildDemand; readonly ended: Promise<void> }>();
  #dispatching: Promise<void> | undefined;
  #wokenMeanwhile = false;
  /** When the queue was looked at last. */
  #heldMemoryMiB = 0;

  constructor(engine: Engine, room: WorkerRoom, heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#engine = engine;
    this.#watches = claimWatches(engine.db);
    this.#room = room;
  }

  async begin(): Promise<void> {
    const { db, place, workerId, log } = this.#engine;
    for (const id of await workersOf(db, place.id)) {
      if (id !== workerId && (await place.hasEnded(id))) await removeWorker(db, id);
    }
    await this.#beat();
    const released = await releaseLostBuilds(db, { workerId, running: [] });
    if (released.length > 0) log.warn({ images: released }, 'builds of workers that ended are gone on with');
    await terminateLeftovers(this.#engine);
    // A store that has to be mended keeps nobody from starting.
    await removeLeftoverAmis(this.#engine).catch((error: unknown) => {
      log.error({ err: coerceError(error) }, 'left-over AMIs could not be looked for');
    });
  }

  /** Begins what can be begun, now or after the round that is on. */
  wake(): void {
    if (this.#dispatching !== undefined) {
      this.#wokenMeanwhile = true;
      return;
    }
    this.#wokenMeanwhile = false;
    this.#dispatching = this.#dispatch()
      .catch((error: unknown) => this.#engine.log.warn({ err: coerceError(error) }, 'the queue could not be read'))
      .finally(() => {
        this.#dispatching = undefined;
        if (this.#wokenMeanwhile) this.wake();
      });
  }

  /** Heartbeats, looks after lost workers, and looks at the queue for what has become due; until the worker stops. */
  async tick(): Promise<void> {
    const { db, workerId, log } = this.#engine;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await untilNextBeat(this.#heartbeatMs, signal);
      if (signal.aborted) return;
      try {
        if (await this.#beat()) log.warn('this worker was taken for lost: it did not answer for too long');
        const released = await releaseLostBuilds(db, { workerId, running: [...this.#running.keys()] });
        if (released.length > 0) log.warn({ images: released }, 'builds of lost workers were queued again');
      } catch (error) {
        log.warn({ err: coerceError(error) }, 'the heartbeat could not be written');
      }
      this.wake();
    }
  }

  async end(reason: string, letGo: () => Promise<void>): Promise<void> {
    this.#stopping.abort(new BuildCancelled(reason));
    await letGo();
    await this.#dispatching;
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
    await removeWorker(this.#engine.db, this.#engine.workerId).catch((error: unknown) => {
      this.#engine.log.warn({ err: coerceError(error) }, 'the worker could not be taken off the list');
    });
  }

  async #beat(): Promise<boolean> {
    const { db, workerId, place } = this.#engine;
    const capacity = { ...(await this.#room.capacity()), heldMemoryMiB: this.#heldMemoryMiB };
    return beat(db, { id: workerId, place: place.id, capacity });
  }

  async #dispatch(): Promise<void> {
    const { db, place } = this.#engine;
    if (this.#stopping.signal.aborted) return;
    const capacity = await this.#room.capacity();
    if (this.#running.size >= capacity.builds) return;
    const free = capacity.builds - this.#running.size;
    for (const limit of [free, free + LOOK_AHEAD]) {
      const except = [...this.#running.keys()];
      const waiting = await nextBuilds(db, { place: place.id, except, limit });
      if (waiting.length === 0) {
        this.#heldMemoryMiB = 0;
        return;
      }
      const held = await heldMemory(this.#engine, except, this.#room);
      this.#heldMemoryMiB = total(held);
      const running = [...this.#running.values()].map(({ demand }) => demand);
      const occupied = { running, held };
      const admitted = admit(waiting, occupied, capacity, this.#room.demandOf);
      const inSpite =
        admitted.length > 0 || running.length > 0 ? undefined : await this.#inSpite(waiting, held, capacity);
      if (this.#stopping.signal.aborted) return;
      for (const { image, demand } of inSpite === undefined ? admitted : [inSpite]) this.#start(image.arn, demand);
      if (waiting.length < limit || admitted.length === limit) return;
    }
  }

  /** A build to begin though there is little room on the disk: nobody else has more. */
  async #inSpite(waiting: readonly QueuedImage[], held: ReadonlyMap<string, number>, capacity: WorkerCapacity) {
    const found = admitInSpiteOfDisk(waiting, { held }, capacity, this.#room.demandOf);
    if (found === undefined) return undefined;
    const others = await aliveCapacities(this.#engine.db, this.#engine.workerId);
    if (others.some((other) => fits(found.demand, other))) return undefined;
    const { log } = this.#engine;
    log.warn({ image: found.image.arn, freeMiB: capacity.diskMiB }, 'a build is begun with little room on the disk');
    return found;
  }

  #start(imageArn: string, demand: BuildDemand): void {
    const ended = runBuild(this.#engine, imageArn, this.#stopping.signal, this.#watches)
      .catch((thrown: unknown) => {
        this.#engine.log.error({ err: coerceError(thrown), image: imageArn }, 'a build ended with an error');
      })
      .finally(() => {
        this.#running.delete(imageArn);
        this.wake();
      });
    this.#running.set(imageArn, { demand, ended });
  }
}

function untilNextBeat(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end, { once: true });
  });
}
