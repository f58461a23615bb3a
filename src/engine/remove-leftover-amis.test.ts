import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from './engine.ts';
import { removeLeftoverAmis } from './remove-leftover-amis.ts';
import { runBuild } from './run-build.ts';
import { script } from './simulated/build-bench.ts';
import { benchWithStoppedBuilds, buildWorkflow, ON_MACHINES } from './simulated/stopped-builds.ts';

const { bench, builds } = await benchWithStoppedBuilds();
const never = new AbortController().signal;
const DISTRIBUTES = `schemaVersion: 1.0
steps:
  - { name: Copy, action: DistributeImage }
`;
const distributes = await builds.insertWorkflow('DISTRIBUTION', 'distributes', DISTRIBUTES);
const REGISTERS = buildWorkflow('').concat(`  - name: Register
    action: RegisterImage
    inputs:
      blockDeviceMapping: [{ DeviceName: /dev/xvda, Ebs: { SnapshotId.$: $.stepOutputs.Create.imageId } }]
`);

/** A build that was frozen before it made its last AMI, and killed when it had, after its successor had ended it. */
async function withLeftover(workflowArn: string): Promise<{ arn: string; leftover: string }> {
  const dying: Engine = {
    ...bench.engine,
    imageStore: { ...bench.engine.imageStore, remove: () => Promise.reject(new Error('It was killed')) },
  };
  const row = { ...ON_MACHINES.row, workflows: JSON.stringify([{ workflowArn }]) };
  const { arn, revive } = await builds.stopped(
    { row },
    (hold) => {
      bench.images.faults.reuse = hold;
    },
    dying,
  );
  await builds.goOn(arn);
  const ended = amisOf(arn);
  await revive();
  const [leftover, ...others] = amisOf(arn).filter((amiId) => !ended.includes(amiId));
  assert.ok(leftover !== undefined && others.length === 0);
  return { arn, leftover };
}

function amisOf(arn: string): readonly string[] {
  return [...bench.images.images.values()].flatMap(({ source, amiId }) => (source === arn ? [amiId] : []));
}

test('an AMI that a lost worker made of a build that had ended is removed, and nothing else', async () => {
  const registers = await builds.insertWorkflow('BUILD', 'registers', REGISTERS);
  const { arn, leftover } = await withLeftover(distributes);
  const two = await withLeftover(registers);
  const deleted = await withLeftover(distributes);
  await bench.store.db.deleteFrom('images').where('arn', '=', deleted.arn).execute();
  const once = await bench.image(ON_MACHINES);
  await runBuild(bench.engine, once, never);
  const failed = await bench.image({ ...ON_MACHINES, components: [script({ test: 'exit 1' })] });
  await runBuild(bench.engine, failed, never);
  const before = [...bench.images.images.keys()];
  await removeLeftoverAmis(bench.successor().engine);
  assert.deepEqual(before.filter((amiId) => !bench.images.images.has(amiId)).sort(), [leftover, two.leftover].sort());
  const { output_resources: outputs } = await bench.row(arn);
  assert.deepEqual(
    (outputs['amis'] as readonly { image: string }[]).map(({ image }) => image),
    amisOf(arn),
  );
  assert.equal(amisOf(two.arn).length, 2, 'one that was captured, and one that was registered');
  assert.equal(amisOf(failed).length, 1, 'one that is kept for RetryImage');
});

test('what a build has made that goes on stays', async () => {
  const { arn } = await builds.stopped({ components: [script({ build: 'true', test: 'true' })] }, (hold) => {
    bench.images.faults.captured = hold;
  });
  await bench.store.db.updateTable('images').set({ epoch: 3 }).where('arn', '=', arn).execute();
  const [amiId] = amisOf(arn);
  assert.ok(amiId !== undefined);
  await removeLeftoverAmis(bench.successor().engine);
  assert.deepEqual(amisOf(arn), [amiId]);
});

test('one that cannot be removed does not keep another', async () => {
  const first = await withLeftover(distributes);
  const second = await withLeftover(distributes);
  const { engine } = bench.successor();
  const remove = async (amiId: string): Promise<void> => {
    if (amiId === second.leftover) throw new Error('Another image is built on it');
    await engine.imageStore.remove(amiId);
  };
  await removeLeftoverAmis({ ...engine, imageStore: { ...engine.imageStore, remove } });
  assert.deepEqual(
    [first, second].map(({ arn }) => amisOf(arn).length),
    [1, 2],
  );
});
