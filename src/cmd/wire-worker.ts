import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { durationsIn } from '../engine/checkpoints/durations.ts';
import { webRequest } from '../engine/checkpoints/web-request.ts';
import { startWorker } from '../engine/worker.ts';
import type { Store } from '../state/open-store.ts';
import { configureServices } from '../toe/services/configure.ts';
import { systemClock } from '../util/clock.ts';
import type { Config } from './config.ts';
import { hostCapacity } from './host-capacity.ts';
import { machineFacts } from './machine-facts.ts';
import type { Machinery } from './wire-service.ts';
import { holdWorkerPlace } from './worker-place.ts';
import { workerRoom } from './worker-room.ts';
import { workflowPorts } from './workflow-ports.ts';

export interface HomeWorkerOptions {
  readonly config: Config;
  readonly store: Pick<Store, 'db' | 'jobs'>;
  readonly machinery: Machinery;
  readonly accountId: string;
  readonly region: string;
  readonly log: Logger;
  /** Ends the start; afterwards it has no effect. */
  readonly signal: AbortSignal;
}

/** The worker of this process, with the instances and disks of its home. Disposing of it stops it (engine/worker.ts). */
export async function startHomeWorker(options: HomeWorkerOptions): Promise<AsyncDisposable & { readonly id: string }> {
  const { config, store, machinery, accountId, region, log, signal } = options;
  const { imageStore, catalog, checkpoints, buildHost } = machinery;
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await holdWorkerPlace(config.home.workers, signal));
  await mkdir(config.home.instances, { recursive: true, mode: 0o700 });
  const { concurrency, instanceTypes, cacheSizeGiB } = config;
  const host = hostCapacity();
  const engine = {
    ...{ db: store.db, jobs: store.jobs, buildHost, imageStore, catalog, clock: systemClock, log },
    ...{ workerId: place.workerId, place, accountId, region },
    services: configureServices(config.environment, config.home.path, region),
    ...workflowPorts(config, { accountId, region }),
    ...(cacheSizeGiB === 0 || checkpoints === undefined ? {} : { checkpoints }),
    webRequest: webRequest(),
    durations: durationsIn(config.home.durations),
    machineFacts: machineFacts(config),
  };
  const room = workerRoom({ concurrency, host, instanceTypes, folder: config.home.instances });
  stack.use(await startWorker(engine, store.jobs, room));
  log.info({ worker: place.workerId, place: place.id }, 'this process builds');
  const running = stack.move();
  let ended: Promise<void> | undefined;
  return {
    id: place.workerId,
    [Symbol.asyncDispose]: () => {
      ended ??= running.disposeAsync();
      return ended;
    },
  };
}
