import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { withQueuePosition } from '../state/queue-position.ts';
import { beat, removeWorker } from '../state/workers.ts';
import type { BuildDemand, WorkerRoom } from './admission.ts';
import { type BuildBench, openBench, script } from './simulated/build-bench.ts';
import { ROOMY } from './simulated/roomy.ts';
import { startWorker } from './worker.ts';

/** One build at a time. */
const ONE: WorkerRoom = { ...ROOMY, capacity: async () => ({ ...(await ROOMY.capacity()), builds: 1 }) };

let bench: BuildBench;
before(async () => {
  bench = await openBench();
});
after(async () => {
  await bench[Symbol.asyncDispose]();
});

async function queuedImage(
  components: readonly string[] = [],
  infrastructure: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const arn = await bench.image({ components, infrastructure });
  await bench.store.jobs.enqueue(bench.store.db, arn);
  return arn;
}

/** One of everything, but for what builds on instances of this type take, and all others. */
function demandByType(
  type: string,
  ofType: Partial<BuildDemand>,
  ofOthers: Partial<BuildDemand>,
): WorkerRoom['demandOf'] {
  return ({ infrastructure_configuration: { instanceTypes } }) => ({
    ...{ vcpus: 1, memoryMiB: 1, diskMiB: 1 },
    ...(String(instanceTypes) === type ? ofType : ofOthers),
  });
}

/** Resolves when a command runs on an instance of a build. */
function firstCommand(): Promise<void> {
  return new Promise((resolve) => {
    bench.host.faults.command = async () => resolve();
  });
}

// The limit only keeps a build that never ends from hanging the suite.
test('a worker builds what is queued; stopping it cancels what runs and leaves the rest queued', {
  timeout: 120_000,
}, async () => {
  const reached = firstCommand();
  const running = await queuedImage([script({ build: 'sleep 600' })]);
  const worker = await startWorker(bench.engine, bench.store.jobs, ONE);
  await reached;
  const waiting = await queuedImage();
  await worker.stop('Kiln was stopped for the night.');
  await worker.stop('a second stop does nothing');
  const image = await bench.row(running);
  assert.deepEqual([image.status, image.reason], ['CANCELLED', 'Kiln was stopped for the night.']);
  assert.deepEqual(await bench.host.list(), []);
  assert.equal((await bench.row(waiting)).status, 'PENDING');
  delete bench.host.faults.command;

  await using _next = await startWorker(bench.successor().engine, bench.store.jobs, ONE);
  await untilStatus(waiting, 'AVAILABLE');
});

test('a build that waits for another worker does not keep those behind it waiting', async () => {
  const room: WorkerRoom = {
    ...ONE,
    demandOf: demandByType('m5.24xlarge', { vcpus: 1_000_000 }, {}),
  };
  const large = await queuedImage([], { instanceTypes: ['m5.24xlarge'] });
  const small = await queuedImage();
  await using _worker = await startWorker(bench.engine, bench.store.jobs, room);
  await untilStatus(small, 'AVAILABLE');
  assert.equal((await bench.row(large)).status, 'PENDING');
});

test('a store whose images cannot be listed does not keep a worker from starting', async () => {
  const { engine } = bench.successor();
  let isMended = false;
  const list = async () => {
    if (!isMended) throw new Error('A record cannot be read');
    return engine.imageStore.list();
  };
  const broken = { ...engine, imageStore: { ...engine.imageStore, list } };
  await using _worker = await startWorker(broken, bench.store.jobs, ROOMY);
  isMended = true;
  await untilStatus(await queuedImage(), 'AVAILABLE');
});

test('a build for which there is little room on the disk is begun where nobody has more', async () => {
  const room: WorkerRoom = {
    capacity: async () => ({ ...(await ONE.capacity()), diskMiB: 100 }),
    demandOf: demandByType('t3.nano', {}, { diskMiB: 2048 }),
  };
  const { db } = bench.store;
  const large = await queuedImage();
  const other = { id: 'other', place: 'elsewhere', capacity: await ROOMY.capacity() };
  await beat(db, other);
  await using _worker = await startWorker(bench.engine, bench.store.jobs, room);
  const small = await queuedImage([], { instanceTypes: ['t3.nano'] });
  await untilStatus(small, 'AVAILABLE');
  assert.equal((await bench.row(large)).status, 'PENDING', 'another worker has the room');
  await removeWorker(db, other.id);
  await bench.store.jobs.enqueue(db, large);
  await untilStatus(large, 'AVAILABLE');
});

test('memory that a kept instance holds is not given to another build', async () => {
  const room: WorkerRoom = {
    capacity: async () => ({ ...(await ROOMY.capacity()), memoryMiB: 10 }),
    demandOf: demandByType('t3.nano', {}, { memoryMiB: 8 }),
  };
  await using _worker = await startWorker(bench.engine, bench.store.jobs, room);
  const kept = await queuedImage([script({ build: 'exit 1' })], { terminateInstanceOnFailure: false });
  await untilEnded(kept);
  assert.equal((await bench.host.list()).length, 1);
  const large = await queuedImage();
  const small = await queuedImage([], { instanceTypes: ['t3.nano'] });
  // In order: the large one keeps the small one waiting until there is room for it.
  const waiting = await queuePosition(large);
  assert.match(waiting, /hold 8 MiB of its memory/);
  assert.equal((await bench.row(small)).status, 'PENDING');
  for (const { instanceId } of await bench.host.list()) await bench.host.terminate(instanceId);
  await untilStatus(large, 'AVAILABLE');
  await untilStatus(small, 'AVAILABLE');
});

async function queuePosition(arn: string): Promise<string> {
  for (;;) {
    const [image] = await withQueuePosition(bench.store.db, [await bench.row(arn)]);
    if (/hold/.test(image?.reason ?? '')) return image?.reason ?? '';
    assert.equal(image?.status, 'PENDING');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function untilEnded(arn: string): Promise<void> {
  while ((await bench.row(arn)).ended_at === null) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function untilStatus(arn: string, status: string): Promise<void> {
  for (;;) {
    const image = await bench.row(arn);
    if (image.status === status) return;
    assert.notEqual(image.status, 'FAILED', image.reason ?? '');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
