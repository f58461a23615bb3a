import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { claimImage } from '../state/transitions/claim-image.ts';
import { requestImageCancellation } from '../state/transitions/request-image-cancellation.ts';
import { recoverBuilds } from './recover-builds.ts';
import { runBuild } from './run-build.ts';
import { type BenchImage, type BuildBench, openBench, script } from './simulated/build-bench.ts';

let bench: BuildBench;
before(async () => {
  bench = await openBench();
});
after(async () => {
  await bench[Symbol.asyncDispose]();
});

const never = new AbortController().signal;

/**
 * A build that stops where `hold` is called, as a killed process does: nothing more comes from it. `revive` lets it go
 * on, as a process does that was only frozen.
 */
async function stoppedBuild(
  options: BenchImage,
  place: (hold: () => Promise<void>) => void,
): Promise<{ arn: string; revive: () => Promise<void> }> {
  const reached = Promise.withResolvers<void>();
  const revived = Promise.withResolvers<void>();
  place(async () => {
    reached.resolve();
    await revived.promise;
  });
  const arn = await bench.image(options);
  const build = runBuild(bench.engine, arn, never);
  await Promise.race([reached.promise, build]);
  clearFaults();
  return {
    arn,
    revive: async () => {
      revived.resolve();
      await build;
    },
  };
}

function clearFaults(): void {
  delete bench.host.faults.launch;
  delete bench.host.faults.command;
  delete bench.host.faults.terminate;
  delete bench.images.faults.capture;
}

async function left(arn: string): Promise<number> {
  const instances = (await bench.host.list()).filter(({ owner }) => owner === arn).length;
  return instances + [...bench.images.images.values()].filter(({ source }) => source === arn).length;
}

const noJobs = { enqueue: async (): Promise<void> => {} };

const PLACES: Readonly<Record<string, (hold: () => Promise<void>) => void>> = {
  LaunchBuildInstance: (hold) => {
    bench.host.faults.launch = hold;
  },
  ApplyBuildComponents: (hold) => {
    bench.host.faults.command = hold;
  },
  CreateOutputAMI: (hold) => {
    bench.images.faults.capture = hold;
  },
  TerminateBuildInstance: (hold) => {
    bench.host.faults.terminate = hold;
  },
  LaunchTestInstance: (hold) => {
    bench.host.faults.launch = ({ parentDisk }) =>
      parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
  },
};

for (const [step, place] of Object.entries(PLACES)) {
  test(`killed in ${step}: the next start ends guest and AMI and says which step it was`, async () => {
    const { arn, revive } = await stoppedBuild({ components: [script({ build: 'true' })] }, place);
    const { engine } = bench.successor();
    assert.deepEqual(await recoverBuilds(engine, noJobs), [arn]);
    const image = await bench.row(arn);
    assert.equal(image.status, 'FAILED');
    assert.equal(image.reason, `Kiln was stopped while step ${step} ran. Run the build again.`);
    assert.equal(image.failure_context?.['failedStep'], step);
    assert.equal(await left(arn), 0);
    assert.ok((await bench.steps(arn)).includes(`${step} FAILED`));
    assert.equal((await bench.workflows(arn)).at(-1)?.split(' ')[1], 'FAILED');

    await revive();
    assert.deepEqual(await bench.row(arn), image, 'a process that was only frozen changes nothing');
    assert.equal(await left(arn), 0, 'and takes with it what it still had');
    assert.deepEqual(await recoverBuilds(engine, noJobs), []);
  });
}

test('an image that was to be cancelled when Kiln was killed becomes CANCELLED', async () => {
  const { arn, revive } = await stoppedBuild({ components: [script({ build: 'true' })] }, (hold) => {
    bench.host.faults.command = hold;
  });
  // Recorded after the claim of the killed process: nobody is there any more to see it.
  await requestImageCancellation(bench.store.db, { imageArn: arn, at: new Date() });
  await recoverBuilds(bench.successor().engine, noJobs);
  assert.equal((await bench.row(arn)).status, 'CANCELLED');
  assert.ok((await bench.steps(arn)).includes('ApplyBuildComponents CANCELLED'));
  await revive();
  assert.equal(await left(arn), 0);
});

test('killed before the first workflow: the image is FAILED all the same', async () => {
  const arn = await bench.image();
  await claimImage(bench.store.db, { imageArn: arn, workerId: bench.engine.workerId, at: new Date() });
  await recoverBuilds(bench.successor().engine, noJobs);
  assert.match((await bench.row(arn)).reason ?? '', /^Kiln was stopped while the image was CREATING\./);
});

test('images of another installation are left alone', async () => {
  const arn = await bench.image();
  await claimImage(bench.store.db, { imageArn: arn, workerId: 'worker-2', at: new Date() });
  assert.deepEqual(await recoverBuilds(bench.successor().engine, noJobs), []);
  assert.equal((await bench.row(arn)).status, 'CREATING');
});

test('images that wait stay PENDING and are queued again', async () => {
  const arn = await bench.image();
  const queued: string[] = [];
  await recoverBuilds(bench.successor().engine, {
    enqueue: async (_, imageArn) => {
      queued.push(imageArn);
    },
  });
  assert.equal((await bench.row(arn)).status, 'PENDING');
  assert.ok(queued.includes(arn));
});

test('instances of ended builds are terminated, but not those that were kept or belong to no build', async () => {
  const kept = await bench.image({
    components: [script({ build: 'exit 1' })],
    infrastructure: { terminateInstanceOnFailure: false },
  });
  await runBuild(bench.engine, kept, never);
  const ended = await bench.image();
  await runBuild(bench.engine, ended, never);
  const launch = (instanceId: string, owner: string): Promise<unknown> =>
    bench.host.launch(
      {
        ...{ instanceId, owner, instanceTypes: [], extraVolumes: [], timeoutSeconds: 10 },
        parentDisk: { path: '/x', format: 'qcow2' },
      },
      { signal: never, monitor: { line: () => {} } },
    );
  await launch('i-00000000000000001', ended);
  await launch('i-00000000000000002', 'kiln run ami-1');
  await recoverBuilds(bench.successor().engine, noJobs);
  const owners = (await bench.host.list()).map(({ owner }) => owner);
  assert.deepEqual(owners.toSorted(), [kept, 'kiln run ami-1'].toSorted());
});
