import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Instance } from '../build-host/build-host.ts';
import type { MachineImage } from '../image-store/image-store.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { requestImageCancellation } from '../state/transitions/request-image-cancellation.ts';
import { takeOverImage } from '../state/transitions/take-over-image.ts';
import type { StateMachines } from '../state-machines/state-machines.ts';
import type { Engine } from './engine.ts';
import { runBuild } from './run-build.ts';
import { type BenchImage, openBench, script } from './simulated/build-bench.ts';
import { type SimulatedCheckpoints, simulatedCheckpoints } from './simulated/simulated-checkpoints.ts';
import { benchWithStoppedBuilds, buildWorkflow, ON_MACHINES } from './simulated/stopped-builds.ts';
import { terminateLeftovers } from './terminate-leftovers.ts';

const { bench, builds } = await benchWithStoppedBuilds();

const never = new AbortController().signal;

const BUILT = { instances: 0, amis: 1 };
const WHOLE = ['build-image COMPLETED', 'test-image COMPLETED'];
const ANEW = ['build-image CANCELLED', ...WHOLE];

const PLACES: Readonly<Record<string, { expected: readonly string[]; place: (hold: () => Promise<void>) => void }>> = {
  LaunchBuildInstance: {
    expected: WHOLE,
    place: (hold) => {
      bench.host.faults.launch = hold;
    },
  },
  ApplyBuildComponents: {
    expected: ANEW,
    place: (hold) => {
      bench.host.faults.command = hold;
    },
  },
  CreateOutputAMI: {
    expected: ANEW,
    place: (hold) => {
      bench.images.faults.capture = hold;
    },
  },
  TerminateBuildInstance: {
    expected: WHOLE,
    place: (hold) => {
      bench.host.faults.terminate = hold;
    },
  },
  LaunchTestInstance: {
    expected: WHOLE,
    place: (hold) => {
      bench.host.faults.launch = ({ parentDisk }) =>
        parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
    },
  },
};

for (const [step, { expected, place }] of Object.entries(PLACES)) {
  test(`its worker was killed in ${step}: another one brings the build to its end`, async () => {
    const { arn } = await builds.stopped({ components: [script({ build: 'true', test: 'true' })] }, place);
    await builds.goOn(arn);
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    assert.deepEqual(await bench.workflows(arn), expected);
    assert.deepEqual(await builds.left(arn), BUILT);
    assert.equal(image.restarts, expected === ANEW ? 1 : 0);
    const steps = await bench.steps(arn);
    assert.ok(steps.includes(`${step} COMPLETED`), steps.join());
    if (expected === ANEW) {
      assert.ok(steps.includes(`${step} CANCELLED`));
      assert.ok((await bench.log(arn)).some((line) => /begins anew: .*instance|begins anew: step/.test(line)));
    }
  });

  test(`frozen in ${step}: another worker begins from the start, and the frozen one changes nothing when it thaws`, async () => {
    bench.frozen.add(bench.engine.workerId);
    const { arn, revive } = await builds.stopped({ components: [script({ build: 'true', test: 'true' })] }, place);
    await builds.goOn(arn);
    bench.frozen.delete(bench.engine.workerId);
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    await revive();
    assert.deepEqual(await bench.row(arn), image);
    assert.deepEqual(await builds.left(arn), BUILT, 'it takes with it what it still had');
  });
}

test('frozen when its AMI was made: it removes that when it thaws, however its successor ended', async () => {
  bench.frozen.add(bench.engine.workerId);
  let made: MachineImage | undefined;
  const { arn, revive } = await builds.stopped({ components: [script({ build: 'true' })] }, (hold) => {
    bench.images.faults.captured = (amiId) => {
      made = bench.images.images.get(amiId);
      return hold();
    };
  });
  await builds.goOn(arn);
  bench.frozen.delete(bench.engine.workerId);
  // As when it froze within the capture: it is there only now.
  assert.ok(made);
  bench.images.images.set(made.amiId, made);
  await revive();
  const { status, output_resources: outputs } = await bench.row(arn);
  assert.equal(status, 'AVAILABLE');
  assert.deepEqual(await builds.left(arn), BUILT);
  assert.ok(!JSON.stringify(outputs).includes(made.amiId));
});

test('frozen, and its successor killed before it had ended anything: the next one does not go on with what the frozen one may still end', async () => {
  bench.frozen.add(bench.engine.workerId);
  const { arn, revive } = await builds.stopped({ components: [script({ build: 'true', test: 'true' })] }, (hold) => {
    bench.host.faults.launch = ({ parentDisk }) =>
      parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
  });
  await bench.store.jobs.enqueue(bench.store.db, arn);
  await takeOverImage(bench.store.db, { imageArn: arn, workerId: 'killed at once', place: 'bench' });
  await builds.goOn(arn);
  bench.frozen.delete(bench.engine.workerId);
  const image = await bench.row(arn);
  assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
  assert.deepEqual(image.predecessors, [], 'what is there is the last one’s alone');
  await revive();
  assert.deepEqual(await builds.left(arn), BUILT);
});

function twoSteps(second: string): string {
  const file = (name: string): string => path.join(bench.folder, name);
  return `  - name: build
    steps:
      - name: First
        action: ExecuteBash
        inputs:
          commands: ['echo x >> ${file('first')}; echo done']
      - name: Second
        action: ExecuteBash
${second}        inputs:
          commands: ['echo {{ build.First.outputs.stdout }} >> ${file('second')}; [ -e ${file('go')} ] || sleep 600']
`;
}

/** Kills the worker while the second of two document steps runs. */
async function killedInSecondStep(options: BenchImage, engine?: Engine): Promise<string> {
  let commands = 0;
  const { arn } = await builds.stopped(
    options,
    (hold) => {
      bench.host.faults.command = async (_, command) => {
        if (command.argv.join(' ').includes('second') || (command.stdin ?? '').toString().includes('second'))
          await hold();
        commands++;
      };
    },
    engine,
  );
  assert.ok(commands > 0);
  return arn;
}

const REPEATED: Readonly<Record<string, { second: string; tags: Record<string, string> }>> = {
  'more than one attempt': { second: '        maxAttempts: 2\n', tags: {} },
  'the tag kiln:repeatable': { second: '', tags: { 'kiln:repeatable': 'Second' } },
};

for (const [what, { second, tags }] of Object.entries(REPEATED)) {
  test(`a component step with ${what} runs again on the same instance, those before it do not`, async () => {
    const before = bench.host.launches.length;
    const arn = await killedInSecondStep({ components: [twoSteps(second)], componentTags: tags });
    const next = bench.successor();
    await writeFile(path.join(bench.folder, 'go'), '');
    await builds.goOn(arn, next.engine);
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    assert.deepEqual(await bench.workflows(arn), WHOLE);
    assert.equal(readFileSync(path.join(bench.folder, 'first'), 'utf8'), 'x\n');
    assert.equal(
      readFileSync(path.join(bench.folder, 'second'), 'utf8'),
      'done\n',
      'outputs of steps before are known',
    );
    assert.equal(bench.host.launches.length - before, 1, 'the build instance was not launched again');
    for (const name of ['first', 'second', 'go']) await rm(path.join(bench.folder, name), { force: true });
  });
}

/** An engine that keeps states of machines; its clock goes forward by what a boot takes. */
function keeping(checkpoints: SimulatedCheckpoints, engine: Engine): Engine {
  let ahead = 0;
  bench.host.faults.launch = async ({ resumeFrom }) => {
    if (resumeFrom === undefined) ahead += 40_000;
  };
  bench.host.faults.command = async () => {
    ahead += 1_000;
  };
  return { ...engine, checkpoints, clock: { now: () => new Date(Date.now() + ahead) } };
}

/** Three components, too quick for the states between them to be kept. */
const QUICK = {
  'between two components': { tags: {}, killedAt: (stdin: string) => !stdin.includes('echo') },
  'within a component that may run again': {
    tags: { 'kiln:repeatable': 'all' },
    killedAt: (stdin: string) => stdin.includes('echo three'),
  },
};

for (const [when, { tags, killedAt }] of Object.entries(QUICK)) {
  test(`killed ${when}: what has ended does not run again`, async () => {
    const file = path.join(bench.folder, 'ran');
    const components = ['one', 'two', 'three'].map((word) => script({ build: `echo ${word} >> ${file}` }));
    const checkpoints = simulatedCheckpoints(bench.folder);
    const now = new Date();
    const engine = { ...bench.engine, checkpoints, clock: { now: () => now } };
    let hasRunTwo = false;
    const { arn } = await builds.stopped(
      { components, componentTags: tags },
      (hold) => {
        bench.host.faults.command = async (_, { stdin }) => {
          const text = String(stdin ?? '');
          if (hasRunTwo && killedAt(text)) await hold();
          hasRunTwo ||= text.includes('echo two');
        };
      },
      engine,
    );
    await builds.goOn(arn, { ...bench.successor().engine, checkpoints });
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    assert.deepEqual(await bench.workflows(arn), WHOLE, 'nothing began anew');
    assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\nthree\n');
    await rm(file);
  });
}

test('an instance of which the state after its boot was kept is gone on with, and its image has that layer', async () => {
  const checkpoints = simulatedCheckpoints(bench.folder);
  const second = '        maxAttempts: 2\n';
  const arn = await killedInSecondStep({ components: [twoSteps(second)] }, keeping(checkpoints, bench.engine));
  const [kept] = [...checkpoints.checkpoints.values()];
  assert.ok(kept?.hasMachine === true);
  const next = bench.successor();
  await writeFile(path.join(bench.folder, 'go'), '');
  await builds.goOn(arn, { ...next.engine, checkpoints });
  const image = await bench.row(arn);
  assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
  assert.equal(readFileSync(path.join(bench.folder, 'first'), 'utf8'), 'x\n', 'it went on');
  const ami = [...bench.images.images.values()].find(({ source }) => source === arn);
  assert.deepEqual(ami?.layers, kept.layers);
  assert.deepEqual([...checkpoints.inUse], [], 'let go of');
  for (const name of ['first', 'second', 'go']) await rm(path.join(bench.folder, name), { force: true });
});

for (const [what, cache] of Object.entries({ 'as usual': undefined, 'without the cache': 'never' })) {
  test(`a mounted disk goes with its worker: the build begins anew after the last component that ended, ${what}`, async () => {
    const checkpoints = simulatedCheckpoints(bench.folder);
    const kept = Promise.withResolvers<void>();
    checkpoints.faults.put = async () => kept.resolve();
    let ahead = 0;
    const clock = { now: () => new Date(Date.now() + ahead) };
    const tags = { 'kiln:executor': 'direct', ...(cache === undefined ? {} : { 'kiln:cache': cache }) };
    const { arn } = await builds.stopped(
      {
        components: [script({ build: `: ${what} takes long; echo ran first` }), script({ build: 'echo ran second' })],
        row: { tags: JSON.stringify(tags) },
      },
      (hold) => {
        bench.host.faults.command = async (_, { argv, stdin }) => {
          const text = `${argv.join(' ')} ${stdin}`;
          if (text.includes('takes long')) ahead += 60_000;
          if (text.includes('ran second')) await hold();
        };
      },
      { ...bench.engine, checkpoints, clock },
    );
    await kept.promise;
    // Older than what the work of others would count for.
    ahead += 3 * 24 * 3_600_000;
    await builds.goOn(arn, { ...bench.successor().engine, checkpoints, clock });
    const { status, reason } = await bench.row(arn);
    assert.equal(status, 'AVAILABLE', reason ?? '');
    assert.deepEqual(
      (await bench.log(arn)).filter((line) => line.startsWith('ran ')),
      ['ran first', 'ran second'],
    );
    assert.deepEqual((await bench.workflows(arn)).slice(0, 2), ['build-image CANCELLED', 'build-image COMPLETED']);
  });
}

test('one that began with the work of another build is replaced: its components must not run twice', async () => {
  const checkpoints = simulatedCheckpoints(bench.folder);
  const long = script({ build: 'echo long' });
  const engine = keeping(checkpoints, bench.engine);
  await runBuild(engine, await bench.image({ ...ON_MACHINES, components: [long, script({ build: 'true' })] }), never);
  const arn = await killedInSecondStep({ components: [long, twoSteps('        maxAttempts: 2\n')] }, engine);
  const next = bench.successor();
  await writeFile(path.join(bench.folder, 'go'), '');
  await builds.goOn(arn, { ...next.engine, checkpoints });
  assert.equal((await bench.row(arn)).status, 'AVAILABLE');
  assert.ok((await bench.log(arn)).some((line) => /begins anew: of i-\w+ earlier states were kept/.test(line)));
  for (const name of ['first', 'second', 'go']) await rm(path.join(bench.folder, name), { force: true });
});

test('an instance that is gone, or does not answer, is replaced', async () => {
  const hold = PLACES['ApplyBuildComponents']?.place ?? assert.fail();
  const { arn } = await builds.stopped({ components: [script({ build: 'true' })], componentTags: {} }, hold);
  const [instanceId = ''] = [...bench.host.instances].flatMap(([id, { request }]) =>
    request.owner === arn ? [id] : [],
  );
  const next = bench.successor();
  const { find } = next.engine.buildHost;
  const mute = async (id: string): Promise<Instance | undefined> => {
    const found = await find(id);
    if (found === undefined || id !== instanceId) return found;
    return { ...found, target: { ...found.target, run: () => Promise.reject(new Error('no answer')) } };
  };
  await builds.goOn(arn, { ...next.engine, buildHost: { ...next.engine.buildHost, find: mute } });
  assert.equal((await bench.row(arn)).status, 'AVAILABLE');
  assert.equal(bench.host.instances.has(instanceId), false);
  assert.ok(
    (await bench.log(arn)).some((line) => line.endsWith(`begins anew: instance ${instanceId} does not answer`)),
  );
});

test('at another place the build begins from the start, with what is there', async () => {
  const { arn } = await builds.stopped({ components: [script({ build: 'true' })] }, (hold) => {
    bench.host.faults.launch = ({ parentDisk }) =>
      parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
  });
  const other = await openBench({ store: bench.store });
  try {
    const place = { id: 'elsewhere', hasEnded: async () => false };
    await bench.store.jobs.enqueue(bench.store.db, arn);
    await runBuild({ ...other.engine, place, workerId: 'worker-there' }, arn, never);
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    const amiId = JSON.stringify(image.output_resources['amis']);
    assert.ok(
      [...other.images.images.keys()].some((id) => amiId.includes(id)),
      'its AMI is there',
    );
    assert.ok((await bench.stages(arn)).join().includes('TESTING,CREATING,BUILDING'), 'it went back');
    await terminateLeftovers(bench.engine);
    assert.equal((await builds.left(arn)).instances, 0, 'what it left here is ended by the next look');
  } finally {
    await other[Symbol.asyncDispose]();
  }
});

test('an image that was to be cancelled when its worker was lost becomes CANCELLED', async () => {
  const { arn } = await builds.stopped({ components: [script({ build: 'true' })] }, (hold) => {
    bench.host.faults.command = hold;
  });
  await requestImageCancellation(bench.store.db, { imageArn: arn, at: new Date() }, bench.store.jobs);
  await builds.goOn(arn);
  assert.equal((await bench.row(arn)).status, 'CANCELLED');
  assert.ok((await bench.steps(arn)).includes('ApplyBuildComponents CANCELLED'));
  assert.deepEqual(await builds.left(arn), { instances: 0, amis: 0 });
});

test('killed before the first workflow: the build begins', async () => {
  const arn = await bench.image(ON_MACHINES);
  await claimImage(bench.store.db, { imageArn: arn, workerId: 'worker-0', place: 'bench', at: new Date() });
  await builds.goOn(arn);
  assert.equal((await bench.row(arn)).status, 'AVAILABLE');
});

test('what an earlier attempt of a step did counts for nothing in the next one', async () => {
  const file = path.join(bench.folder, 'attempts');
  const again = `  - name: build
    steps:
      - { name: One, action: ExecuteBash, inputs: { commands: ['echo one >> ${file}'] } }
      - { name: Two, action: ExecuteBash, inputs: { commands: ['echo two >> ${file}; [ $(grep -c two ${file}) -gt 1 ]'] } }
`;
  const workflowArn = await builds.insertWorkflow('BUILD', 'again', TWO_ATTEMPTS);
  let attempts = 0;
  const { arn } = await builds.stopped(
    { components: [again], row: { ...ON_MACHINES.row, workflows: JSON.stringify([{ workflowArn }]) } },
    (hold) => {
      // The second attempt, before its first document step.
      bench.host.faults.command = async (_, command) => {
        if (String(command.stdin ?? '').includes('echo one') && ++attempts === 2) await hold();
      };
    },
  );
  const steps = bench.store.db
    .selectFrom('component_steps as done')
    .innerJoin('workflow_step_executions as step', 'step.id', 'done.step_execution_id')
    .select('done.step')
    .where('step.image_arn', '=', arn)
    .where('done.finished', 'is not', null);
  assert.deepEqual(await steps.execute(), [], 'nothing of the first attempt is left');
  await builds.goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
  const anew = ['again CANCELLED', 'again COMPLETED'];
  assert.deepEqual(await bench.workflows(arn), anew, 'the step that was interrupted may not run twice');
  await rm(file);
});

const TWO_ATTEMPTS = buildWorkflow(`  - name: Components
    action: ExecuteComponents
    retry: { maxAttempts: 2, backoffSeconds: 0 }
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
`);

const ONLY_DISTRIBUTED = `schemaVersion: 1.0
steps:
  - { name: Copy, action: DistributeImage }
  - name: Share
    action: ModifyImageAttributes
    inputs:
      distributedImages.$: $.stepOutputs.Copy.distributedImages
      attributes: [{ region: us-east-1, launchPermission: { userGroups: [all] } }]
`;

const IN_DISTRIBUTION: Readonly<Record<string, (hold: () => Promise<void>) => void>> = {
  'before the AMI of its distribution was there': (hold) => {
    bench.images.faults.reuse = hold;
  },
  'when the AMI of its distribution was there': (hold) => {
    bench.images.faults.reused = hold;
  },
  'after the AMI of its distribution was on record': (hold) => {
    bench.images.faults.describe = hold;
  },
};

test('an image that is only distributed has one AMI, wherever its worker was killed', async () => {
  const workflowArn = await builds.insertWorkflow('DISTRIBUTION', 'only', ONLY_DISTRIBUTED);
  for (const [when, place] of Object.entries(IN_DISTRIBUTION)) {
    const { arn } = await builds.stopped({ row: { workflows: JSON.stringify([{ workflowArn }]) } }, place);
    const before = [...bench.images.images.values()].filter(({ source }) => source === arn);
    await builds.goOn(arn);
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', `${when}: ${image.reason}`);
    assert.deepEqual(await bench.workflows(arn), ['only COMPLETED'], when);
    const [ami, ...others] = [...bench.images.images.values()].filter(({ source }) => source === arn);
    assert.deepEqual(others, [], when);
    assert.deepEqual(ami?.launchPermission, { userGroups: ['all'] }, when);
    assert.ok(before.length === 0 || before[0]?.amiId === ami.amiId, `${when}: the one that was there`);
    const { amis } = image.output_resources as { amis: readonly { image: string }[] };
    assert.deepEqual(
      amis.map((output) => output.image),
      [ami.amiId],
      when,
    );
  }
});

/** Two AMIs with one disk, and a command on another instance. */
const TWO_AMIS = `schemaVersion: 1.0
steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - { name: Other, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - name: Capture
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
  - name: Register
    action: RegisterImage
    inputs:
      blockDeviceMapping: [{ DeviceName: /dev/xvda, Ebs: { SnapshotId.$: $.stepOutputs.Capture.imageId } }]
  - name: Command
    action: RunCommand
    inputs:
      instanceId.$: $.stepOutputs.Other.instanceId
      documentName: AWS-RunShellScript
      parameters: { commands: ['test -e /two-amis'] }
`;

test('a workflow that made two AMIs begins anew without them, and leaves none when it fails', async () => {
  const workflowArn = await builds.insertWorkflow('BUILD', 'two-amis', TWO_AMIS);
  const { arn } = await builds.stopped(
    { row: { ...ON_MACHINES.row, workflows: JSON.stringify([{ workflowArn }]) } },
    (hold) => {
      bench.host.faults.command = async (_, { argv, stdin }) => {
        if (`${argv.join(' ')} ${stdin}`.includes('two-amis')) await hold();
      };
    },
  );
  assert.equal((await builds.left(arn)).amis, 2);
  const before = [...bench.images.images.keys()];
  const seen: string[] = [];
  const next = bench.successor();
  next.host.faults.command = async (_, { argv, stdin }) => {
    if (!`${argv.join(' ')} ${stdin}`.includes('two-amis')) return;
    seen.push(...[...bench.images.images.values()].flatMap(({ source, amiId }) => (source === arn ? [amiId] : [])));
  };
  await builds.goOn(arn, next.engine);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.deepEqual(await bench.workflows(arn), ['two-amis CANCELLED', 'two-amis ROLLBACK_COMPLETED']);
  const made = new Set(seen);
  assert.equal(made.size, 2);
  for (const amiId of made) assert.ok(!before.includes(amiId), 'those of the first try were gone');
  assert.deepEqual(await builds.left(arn), { instances: 0, amis: 0 });
  for (const amiId of made) assert.ok(image.reason?.includes(`${amiId} was removed.`), image.reason ?? '');
});

const JUDGED = `schemaVersion: 1.0
steps:
  - name: Judge
    action: ExecuteStateMachine
    inputs: { stateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:judge' }
`;

for (const outlives of [true, false]) {
  const what = outlives ? 'of a service is found again' : 'that ended with its worker is started anew';
  test(`an execution of a state machine ${what}`, async () => {
    const workflowArn = await builds.insertWorkflow('DISTRIBUTION', `judged-${outlives}`, JUDGED);
    const names: string[] = [];
    let hold = async (): Promise<void> => {};
    const stateMachines: StateMachines = {
      execute: async ({ stateMachineArn, name }) => {
        names.push(name);
        await hold();
        return { executionArn: `${stateMachineArn}:${name}`, output: '{}' };
      },
      outliveCaller: async () => outlives,
    };
    const { arn } = await builds.stopped(
      { row: { workflows: JSON.stringify([{ workflowArn }]) } },
      (given) => {
        hold = given;
      },
      { ...bench.engine, stateMachines },
    );
    hold = async () => {};
    await builds.goOn(arn, { ...bench.successor().engine, stateMachines });
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    assert.equal(names.length, 2);
    assert.equal(new Set(names).size, outlives ? 1 : 2);
    const completed = `judged-${outlives} COMPLETED`;
    const anew = [`judged-${outlives} CANCELLED`, completed];
    assert.deepEqual(await bench.workflows(arn), outlives ? [completed] : anew);
  });
}
