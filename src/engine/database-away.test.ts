/** A PostgreSQL server that stays away for longer than builds wait for it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { startEmbeddedPostgres } from '../state/embedded-postgres/start.ts';
import { connectStore } from '../state/open-store.ts';
import { insertResource } from '../state/test-rows.ts';
import { silentLog } from '../state/test-store.ts';
import { ACCOUNT, type BenchImage, type BuildBench, openBench, script } from './simulated/build-bench.ts';
import { ROOMY } from './simulated/roomy.ts';
import { startWorker } from './worker.ts';

const onMachines = { tags: JSON.stringify({ 'kiln:executor': 'vm' }) };

/** A worker on a server of its own that can be taken away. */
async function openWorker(databasePatienceMs: number) {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(path.join(os.tmpdir(), 'kiln-away-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const start = () => startEmbeddedPostgres({ directory, log: silentLog, signal: new AbortController().signal });
  let server = await start();
  stack.defer(() => server.stop());
  const { host, port, user } = server;
  const store = stack.use(await connectStore({ host, port, user, database: 'postgres' }, silentLog));
  const bench = stack.use(await openBench({ store }));
  const letGo = Promise.withResolvers<void>();
  const log = pino(
    { level: 'error' },
    { write: (line) => void (/a build ended with an error/.test(line) && letGo.resolve()) },
  );
  const engine = { ...bench.engine, log, databasePatienceMs };
  stack.use(await startWorker(engine, store.jobs, ROOMY, { heartbeatMs: 100 }));
  const opened = stack.move();
  return {
    bench,
    /** Resolves when the worker runs a build no more. */
    letGo: letGo.promise,
    takeAway: async () => {
      const { pid } = server;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
      process.kill(pid, 'SIGKILL');
      // Those that serve connections answer on until they notice. A process that has ended has no program any more.
      while ([pid, ...children].some((one) => existsSync(`/proc/${one}/exe`)))
        await new Promise((resolve) => setTimeout(resolve, 5));
    },
    bringBack: async () => {
      server = await start();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Builds until the image has ended. */
async function untilEnded({ bench }: Awaited<ReturnType<typeof openWorker>>, arn: string) {
  for (;;) {
    const image = await bench.row(arn).catch(() => undefined);
    if (image !== undefined && image.ended_at !== null) return image;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function queue({ bench }: Awaited<ReturnType<typeof openWorker>>, image: BenchImage): Promise<string> {
  const arn = await bench.image(image);
  await bench.store.jobs.enqueue(bench.store.db, arn);
  return arn;
}

/** Called where the database goes away: once. */
function oncePlace(takeAway: () => Promise<void>) {
  const gone = Promise.withResolvers<void>();
  let isGone = false;
  const hold = async (): Promise<void> => {
    if (isGone) return;
    isGone = true;
    await takeAway();
    gone.resolve();
  };
  return { hold, gone: gone.promise };
}

const PLACES: Readonly<Record<string, (bench: BuildBench, hold: () => Promise<void>) => void>> = {
  'CreateImage, when the AMI is there': (bench, hold) => {
    bench.images.faults.captured = hold;
  },
  ExecuteComponents: (bench, hold) => {
    bench.host.faults.command = (_, { stdin }) => (String(stdin ?? '').includes('second') ? hold() : Promise.resolve());
  },
};

for (const [name, place] of Object.entries(PLACES)) {
  test(`the database stays away in ${name}: the build is let go, and gone on with when it is back`, async () => {
    await using worker = await openWorker(300);
    const { bench } = worker;
    const { hold, gone } = oncePlace(worker.takeAway);
    place(bench, hold);
    const did = path.join(bench.folder, 'did');
    const arn = await queue(worker, {
      components: [script({ build: `echo first >> ${did}` }), script({ build: 'echo second', test: 'true' })],
      componentTags: { 'kiln:repeatable': 'all' },
      row: onMachines,
    });
    await gone;
    await worker.letGo;
    assert.equal((await bench.host.list()).length, 1, 'its instance runs on');
    await worker.bringBack();
    const { status, reason, restarts, output_resources: outputs } = await untilEnded(worker, arn);
    assert.equal(status, 'AVAILABLE', reason ?? '');
    assert.equal(restarts, 0, 'it went on where it was');
    assert.deepEqual(await bench.workflows(arn), ['build-image COMPLETED', 'test-image COMPLETED']);
    assert.equal(await readFile(did, 'utf8'), 'first\n');
    assert.equal(bench.host.launches.length, 2, 'one instance to build, one to test');
    const amis = [...bench.images.images.values()].filter(({ source }) => source === arn).map(({ amiId }) => amiId);
    assert.equal(amis.length, 1);
    assert.ok(JSON.stringify(outputs).includes(amis[0] ?? 'none'));
    assert.deepEqual(await bench.host.list(), []);
  });
}

const TEST_WORKFLOW = `schemaVersion: 1.0
steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - name: Run
    action: RunCommand
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
      documentName: AWS-RunShellScript
      parameters: { commands: [echo NAME] }
  - { name: End, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
`;

test('of tests that run at the same time none has failed because the database was away for another one', async () => {
  await using worker = await openWorker(3_000);
  const { bench } = worker;
  const { db } = bench.store;
  const names = ['quick', 'slow'];
  const workflows = await Promise.all(
    names.map(async (name) => {
      const workflowArn = await insertResource(db, {
        ...{ arn: `arn:aws:imagebuilder:us-east-1:${ACCOUNT}:workflow/test/${name}/1.0.0/1`, kind: 'workflow' },
        ...{ slug: `test/${name}`, major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
        document: JSON.stringify({ type: 'TEST', data: TEST_WORKFLOW.replace('NAME', name) }),
      });
      return { workflowArn, parallelGroup: 'all' };
    }),
  );
  const both = new Set<string>();
  const bothRun = Promise.withResolvers<void>();
  const { hold, gone } = oncePlace(worker.takeAway);
  const back = Promise.withResolvers<void>();
  bench.host.faults.command = async (instanceId, { argv, stdin, signal }) => {
    const text = [...argv, String(stdin ?? '')].join(' ');
    const name = names.find((one) => text.includes(`echo ${one}`));
    if (name === undefined || both.size > 2) return;
    both.add(name);
    if (both.size === 2) bothRun.resolve();
    await bothRun.promise;
    if (name === 'quick') return hold();
    // It is ended because the other one could not say that it was done.
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    both.add(instanceId);
    await worker.bringBack();
    back.resolve();
    signal.throwIfAborted();
  };
  const arn = await queue(worker, { row: { workflows: JSON.stringify(workflows) } });
  await gone;
  await back.promise;
  const { status, reason } = await untilEnded(worker, arn);
  assert.equal(status, 'AVAILABLE', reason ?? '');
  assert.deepEqual(
    (await bench.workflows(arn)).filter((line) => line.endsWith('FAILED')),
    [],
  );
  assert.deepEqual(await bench.host.list(), []);
});
