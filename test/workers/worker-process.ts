/**
 * A worker in a process of its own, on the simulated build host: `node worker-process.ts DATABASE_URL FOLDER BUILDS [idle]`.
 * Its instances and its mark of life are in FOLDER; with `idle` commands on instances do nothing. Says `ready WORKER_ID` and
 * runs until SIGTERM; SIGUSR2 makes it say `memory BYTES`.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { holdWorkerPlace } from '../../src/cmd/worker-place.ts';
import { ROOMY } from '../../src/engine/simulated/roomy.ts';
import { simulatedBuildHost } from '../../src/engine/simulated/simulated-build-host.ts';
import { simulatedCatalog, simulatedImageStore } from '../../src/engine/simulated/simulated-image-store.ts';
import { startWorker } from '../../src/engine/worker.ts';
import { connectStore } from '../../src/state/open-store.ts';
import { silentLog } from '../../src/state/test-log.ts';
import { systemClock } from '../../src/util/clock.ts';

const [databaseUrl = '', folder = '', builds = '1', commands] = process.argv.slice(2);
const instances = path.join(folder, 'instances');
await mkdir(instances, { recursive: true });
const store = await connectStore({ connectionString: databaseUrl }, silentLog);
const place = await holdWorkerPlace(path.join(folder, 'workers'), new AbortController().signal);
const imageStore = simulatedImageStore();
const idle = commands === 'idle' ? { respond: async () => ({ code: 0 }) } : {};
const buildHost = simulatedBuildHost(instances, new Map(), idle);
const worker = await startWorker(
  {
    ...{ db: store.db, jobs: store.jobs, imageStore, catalog: simulatedCatalog(imageStore), clock: systemClock },
    ...{ buildHost, log: silentLog, workerId: place.workerId, place },
    ...{ accountId: '123456789012', region: 'us-east-1' },
  },
  store.jobs,
  { ...ROOMY, capacity: async () => ({ ...(await ROOMY.capacity()), builds: Number(builds) }) },
);
process.once('SIGTERM', async () => {
  await worker.stop('The test is over.');
  await place[Symbol.asyncDispose]();
  await store.close();
});
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  console.log(`memory ${process.memoryUsage().heapUsed}`);
});
console.log(`ready ${place.workerId}`);
