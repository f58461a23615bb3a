import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Executor, Instance } from '../../build-host/build-host.ts';
import { parseWorkflow } from '../../documents/parse-workflow.ts';
import { runBuild } from '../run-build.ts';
import { type BuildBench, openBench, script } from '../simulated/build-bench.ts';
import { simulatedImageStore } from '../simulated/simulated-image-store.ts';
import { chooseExecutor } from './choose-executor.ts';
import type { StepContext } from './step-action.ts';

const STEPS = {
  launch: 'action: LaunchInstance\n    inputs: { waitFor: ssmAgent }',
  wait: 'action: WaitForAction',
};

function contextOf(executor: Executor, options: { readonly keep?: boolean; readonly step?: string } = {}): StepContext {
  const store = simulatedImageStore();
  const image = (amiId: string, members: object) => store.images.set(amiId, { amiId, ...members } as never);
  image('ami-base', { source: 'debian-server-12-x86' });
  image('ami-imported', { source: 'import' });
  image('ami-child', { source: 'arn:aws:imagebuilder:…', parentAmiId: 'ami-imported' });
  const text = `name: test\nschemaVersion: 1.0\nsteps:\n  - name: First\n    ${options.step ?? STEPS.launch}\n`;
  const document = parseWorkflow({ file: 'test.yaml', text, type: 'BUILD' });
  const plan = { executor, terminateInstanceOnFailure: options.keep !== true, workflows: [{ document }] };
  return { engine: { imageStore: store }, plan, workflowType: 'BUILD' } as unknown as StepContext;
}

describe('the executor of an instance', () => {
  test('is that of the plan', async () => {
    for (const executor of ['auto', 'direct'] as const) {
      assert.deepEqual(await chooseExecutor('ami-base', contextOf(executor)), { executor });
    }
    assert.deepEqual(await chooseExecutor('ami-base', contextOf('vm')), { executor: 'vm', why: 'the executor is vm' });
  });

  test('is a machine for tests, whatever the plan', async () => {
    const context = { ...contextOf('direct'), workflowType: 'TEST' } as const;
    assert.deepEqual(await chooseExecutor('ami-base', context), {
      executor: 'vm',
      why: 'an image is tested as it boots',
    });
  });

  test('is a machine where somebody else made the disk, however long ago', async () => {
    for (const amiId of ['ami-imported', 'ami-child']) {
      const { executor, why } = await chooseExecutor(amiId, contextOf('auto'));
      assert.equal(executor, 'vm');
      assert.match(why ?? '', /^ami-imported was imported/);
    }
    await assert.rejects(
      chooseExecutor('ami-child', contextOf('direct')),
      /cannot be direct: ami-imported was imported/,
    );
  });

  test('is a machine when the workflow waits for somebody', async () => {
    const { executor, why } = await chooseExecutor('ami-base', contextOf('auto', { step: STEPS.wait }));
    assert.equal(executor, 'vm');
    assert.equal(why, 'step First of the build workflow (WaitForAction) is for a machine');
  });

  test('cannot be direct when the instance is to be kept', async () => {
    await assert.rejects(chooseExecutor('ami-base', contextOf('direct', { keep: true })), /mounted disk cannot be/);
    assert.equal((await chooseExecutor('ami-base', contextOf('auto', { keep: true }))).executor, 'auto');
  });
});

describe('an instance that is kept', () => {
  let bench: BuildBench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());

  /** A build whose clean-up fails, on instances that begin as mounted disks; gives what was asked of them. */
  async function failLate(boots: boolean): Promise<readonly string[]> {
    const asked: string[] = [];
    const buildHost = {
      ...bench.host,
      launch: async (...args: Parameters<typeof bench.host.launch>): Promise<Instance> => {
        const machine = await bench.host.launch(...args);
        let booted = false;
        const note = async (what: string): Promise<void> => void asked.push(what);
        const unbooted = {
          checkpoint: () => note('checkpoint'),
          caught: async () => [],
          boot: async () => {
            await note('boot');
            if (!boots) throw new Error('no memory');
            booted = true;
          },
        };
        return Object.create(machine, { unbooted: { get: () => (booted ? undefined : unbooted) } });
      },
      terminate: async (instanceId: string) => {
        asked.push('terminate');
        await bench.host.terminate(instanceId);
      },
    };
    bench.host.faults.command = async (_, { argv }) => {
      if (argv.includes('sanitize-instance')) throw new Error('the clean-up breaks');
    };
    const infrastructure = { terminateInstanceOnFailure: false };
    const arn = await bench.image({ components: [script({ build: 'true' })], infrastructure });
    await runBuild({ ...bench.engine, buildHost }, arn, new AbortController().signal);
    assert.equal((await bench.row(arn)).status, 'FAILED');
    return asked;
  }

  test('is booted first, with all that was done on the disk', async () => {
    assert.deepEqual(await failLate(true), ['checkpoint', 'boot']);
  });

  test('is ended when it cannot be booted', async () => {
    assert.deepEqual(await failLate(false), ['checkpoint', 'boot', 'terminate']);
  });
});
