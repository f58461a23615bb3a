import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KyselyPlugin, UpdateQueryNode } from 'kysely';
import type { MachineImage } from '../image-store/image-store.ts';
import { retryImage } from '../state/transitions/retry-image.ts';
import { BuilderFault } from '../util/faults.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled } from './failure.ts';
import { runBuild } from './run-build.ts';
import { script } from './simulated/build-bench.ts';
import { benchWithStoppedBuilds, buildWorkflow, ON_MACHINES } from './simulated/stopped-builds.ts';

const { bench, builds } = await benchWithStoppedBuilds();

const never = new AbortController().signal;
const BUILT = { instances: 0, amis: 1 };
const ANEW = ['build-image CANCELLED', 'build-image COMPLETED', 'test-image COMPLETED'];

/** The same worker, which dies when it changes rows of `table` and names `word`. */
function dyingAt(engine: Engine, table: string, word: string): Engine {
  const dying: KyselyPlugin = {
    transformQuery: ({ node }) => {
      const isIt = UpdateQueryNode.is(node) && JSON.stringify(node.table).includes(`"${table}"`);
      if (isIt && JSON.stringify(node.updates).includes(`"${word}"`)) throw new Error('It was killed');
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return { ...engine, db: engine.db.withPlugin(dying) };
}

test('frozen, and failed before somebody had ended what it made: no AMI is kept that it may remove', async () => {
  bench.frozen.add(bench.engine.workerId);
  const { arn, revive } = await builds.stopped({ components: [script({ test: 'true' })] }, (hold) => {
    bench.host.faults.launch = ({ parentDisk }) =>
      parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
  });
  const { engine } = bench.successor();
  const list = () => Promise.reject(new BuilderFault('The store cannot be read'));
  await builds.goOn(arn, { ...engine, imageStore: { ...engine.imageStore, list } });
  bench.frozen.delete(bench.engine.workerId);
  const image = await bench.row(arn);
  assert.deepEqual([image.status, image.output_resources], ['FAILED', { amis: [] }]);
  await revive();
  assert.deepEqual(await builds.left(arn), { instances: 0, amis: 0 });
  await retryImage(bench.store.db, { imageArn: arn, jobs: bench.store.jobs, at: new Date() });
  await runBuild(bench.successor().engine, arn, never);
  assert.equal((await bench.row(arn)).status, 'AVAILABLE', 'a retry begins from the start');
  assert.deepEqual(await builds.left(arn), BUILT);
});

test('killed while it cancelled a build because it was to end: the image becomes CANCELLED', async () => {
  const stop = new AbortController();
  const { arn } = await builds.stopped(
    { components: [script({ build: 'true' })] },
    (hold) => {
      bench.host.faults.command = async () => stop.abort(new BuildCancelled('Kiln was told to end.'));
      bench.host.faults.terminate = hold;
    },
    bench.engine,
    stop.signal,
  );
  assert.deepEqual(await bench.workflows(arn), ['build-image CANCELLED']);
  await builds.goOn(arn);
  const { status, reason } = await bench.row(arn);
  assert.deepEqual([status, reason], ['CANCELLED', 'Kiln was told to end.']);
  assert.deepEqual(await builds.left(arn), { instances: 0, amis: 0 });
  assert.deepEqual(await bench.workflows(arn), ['build-image CANCELLED']);
});

test('killed before it was on record that it cancelled the build: nothing of it is, and the build begins anew', async () => {
  const stop = new AbortController();
  bench.host.faults.command = async () => stop.abort(new BuildCancelled('Kiln was told to end.'));
  const arn = await bench.image({ ...ON_MACHINES, components: [script({ build: 'true' })] });
  const engine = dyingAt(bench.engine, 'workflow_executions', 'CANCELLED');
  await assert.rejects(runBuild(engine, arn, stop.signal), /It was killed/);
  builds.clearFaults();
  assert.deepEqual(await bench.workflows(arn), ['build-image RUNNING']);
  assert.ok((await bench.steps(arn)).includes('ApplyBuildComponents RUNNING'));
  await builds.goOn(arn);
  const { status, reason } = await bench.row(arn);
  assert.equal(status, 'AVAILABLE', reason ?? '');
  assert.deepEqual(await bench.workflows(arn), ANEW);
});

test('a build that takes down one worker after the other ends, and says so', async () => {
  const { arn } = await builds.stopped(
    { components: [script({ build: 'true' })], row: { ...ON_MACHINES.row, restarts: 5 } },
    (hold) => {
      bench.host.faults.command = hold;
    },
  );
  await builds.goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.match(
    image.reason ?? '',
    /^Its worker was lost 6 times while the image was built: .*memory or disk.* cause: builder fault /,
  );
  assert.deepEqual(await builds.left(arn), { instances: 0, amis: 0 });
  assert.deepEqual(await bench.workflows(arn), ['build-image FAILED']);
});

const GOES_ON = buildWorkflow(`  - name: Command
    action: RunCommand
    onFailure: Continue
    inputs:
      documentName: AWS-RunShellScript
      instanceId.$: $.stepOutputs.Launch.instanceId
      parameters: { commands: ['true'] }
  - name: Collect
    action: CollectImageMetadata
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
`);

test('a worker is lost that gives a build up: its successor gives it up too, and goes on with nothing', async () => {
  const workflowArn = await builds.insertWorkflow('BUILD', 'goes-on', GOES_ON);
  const { arn } = await builds.stopped(
    { row: { ...ON_MACHINES.row, restarts: 5, workflows: JSON.stringify([{ workflowArn }]) } },
    (hold) => {
      bench.host.faults.command = hold;
    },
  );
  const engine = dyingAt(bench.successor().engine, 'images', 'failure_context');
  await assert.rejects(builds.goOn(arn, engine), /It was killed/);
  assert.deepEqual(await bench.workflows(arn), ['goes-on RUNNING']);
  await builds.goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.match(image.reason ?? '', /^Its worker was lost 6 times while the image was built: instance i-\w+ is gone/);
  assert.deepEqual(await builds.left(arn), { instances: 0, amis: 0 });
  assert.deepEqual(await bench.workflows(arn), ['goes-on FAILED']);
});

test('frozen while its steps were taken back: no workflow is left on record as one of which that goes on', async () => {
  bench.frozen.add(bench.engine.workerId);
  const { arn, revive } = await builds.stopped({ components: [script({ build: 'exit 1' })] }, (hold) => {
    bench.host.faults.terminate = hold;
  });
  assert.deepEqual(await bench.workflows(arn), ['build-image ROLLBACK_IN_PROGRESS']);
  await builds.goOn(arn);
  bench.frozen.delete(bench.engine.workerId);
  await revive();
  assert.equal((await bench.row(arn)).status, 'FAILED');
  assert.deepEqual(await bench.workflows(arn), ['build-image CANCELLED', 'build-image ROLLBACK_COMPLETED']);
  const steps = bench.store.db.selectFrom('workflow_step_executions').select(['name', 'rollback_status']);
  const rows = await steps.where('image_arn', '=', arn).where('name', '=', 'LaunchBuildInstance').execute();
  assert.deepEqual(rows.map(({ rollback_status: status }) => status).toSorted(), ['COMPLETED', 'FAILED']);
});

test('killed while its steps were taken back, once too often: that it was interrupted is on record', async () => {
  const { arn } = await builds.stopped({ components: [script({ build: 'exit 1' })] }, (hold) => {
    bench.host.faults.terminate = hold;
  });
  const { engine } = bench.successor();
  await bench.store.db.updateTable('images').set({ restarts: 5 }).where('arn', '=', arn).execute();
  bench.frozen.add(bench.engine.workerId);
  await builds.goOn(arn, engine);
  bench.frozen.delete(bench.engine.workerId);
  assert.match((await bench.row(arn)).reason ?? '', /^Its worker was lost 6 times/);
  assert.deepEqual(await bench.workflows(arn), ['build-image FAILED']);
  const open = bench.store.db.selectFrom('workflow_step_executions').select('name').where('image_arn', '=', arn);
  assert.deepEqual(await open.where('rollback_status', '=', 'RUNNING').execute(), []);
});

test('killed when its workflow had failed: the instance that is to be kept stays, and the reason says how to enter it', async () => {
  let isOver = false;
  let hold = async (): Promise<void> => {};
  const { imageStore } = bench.engine;
  const list = async (): Promise<readonly MachineImage[]> => {
    if (isOver) await hold();
    return imageStore.list();
  };
  const infrastructure = { terminateInstanceOnFailure: false };
  const { arn } = await builds.stopped(
    { components: [script({ build: 'exit 1' })], infrastructure },
    (given) => {
      hold = given;
      bench.host.faults.command = async (_, { argv, stdin }) => {
        isOver ||= `${argv.join(' ')} ${stdin}`.includes('exit 1');
      };
    },
    { ...bench.engine, imageStore: { ...imageStore, list } },
  );
  assert.deepEqual(await bench.workflows(arn), ['build-image FAILED']);
  await builds.goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.deepEqual(await builds.left(arn), { instances: 1, amis: 0 });
  assert.match(image.reason ?? '', /Instance (i-\w+) was kept: enter it with `enter \1`/);
});
