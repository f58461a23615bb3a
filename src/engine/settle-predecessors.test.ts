import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { type KyselyPlugin, UpdateQueryNode } from 'kysely';
import type { Instance } from '../build-host/build-host.ts';
import type { MachineImage } from '../image-store/image-store.ts';
import { insertResource } from '../state/test-rows.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { requestImageCancellation } from '../state/transitions/request-image-cancellation.ts';
import { retryImage } from '../state/transitions/retry-image.ts';
import { takeOverImage } from '../state/transitions/take-over-image.ts';
import type { StateMachines } from '../state-machines/state-machines.ts';
import { BuilderFault } from '../util/faults.ts';
import type { Engine } from './engine.ts';
import { BuildCancelled } from './failure.ts';
import { runBuild } from './run-build.ts';
import { type BenchImage, type BuildBench, openBench, script } from './simulated/build-bench.ts';
import { type SimulatedCheckpoints, simulatedCheckpoints } from './simulated/simulated-checkpoints.ts';
import { terminateLeftovers } from './terminate-leftovers.ts';

let bench: BuildBench;
before(async () => {
  bench = await openBench();
});
after(async () => {
  await bench[Symbol.asyncDispose]();
});
// None is left stopped: it would watch its claim for ever. It finds that lost, and changes nothing.
afterEach(async () => {
  await Promise.all(stopped.splice(0).map((revive) => revive()));
});

const stopped: (() => Promise<void>)[] = [];

const never = new AbortController().signal;
/** Machines, which outlive their worker; a mounted disk does not. */
const onMachines = { row: { tags: JSON.stringify({ 'kiln:executor': 'vm' }) } };

/**
 * A build that stops where `hold` is called, as a killed process does: nothing more comes from it. `revive` lets it go
 * on, as a process does that was only frozen.
 */
async function stoppedBuild(
  options: BenchImage,
  place: (hold: () => Promise<void>) => void,
  engine: Engine = bench.engine,
  stop: AbortSignal = never,
): Promise<{ arn: string; revive: () => Promise<void> }> {
  const reached = Promise.withResolvers<void>();
  const revived = Promise.withResolvers<void>();
  place(async () => {
    reached.resolve();
    await revived.promise;
  });
  const arn = await bench.image({ ...onMachines, ...options });
  const build = runBuild(engine, arn, stop);
  await Promise.race([reached.promise, build]);
  clearFaults();
  const revive = async (): Promise<void> => {
    revived.resolve();
    await build;
  };
  stopped.push(revive);
  return { arn, revive };
}

function clearFaults(): void {
  delete bench.host.faults.launch;
  delete bench.host.faults.command;
  delete bench.host.faults.terminate;
  delete bench.images.faults.capture;
  delete bench.images.faults.captured;
  delete bench.images.faults.reuse;
  delete bench.images.faults.reused;
  delete bench.images.faults.describe;
}

/** What a worker does with a build whose worker was lost. */
async function goOn(arn: string, engine: Engine = bench.successor().engine): Promise<void> {
  await bench.store.jobs.enqueue(bench.store.db, arn);
  await runBuild(engine, arn, never);
}

async function left(arn: string): Promise<{ instances: number; amis: number }> {
  const instances = (await bench.host.list()).filter(({ owner }) => owner === arn).length;
  return { instances, amis: [...bench.images.images.values()].filter(({ source }) => source === arn).length };
}

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
    const { arn } = await stoppedBuild({ components: [script({ build: 'true', test: 'true' })] }, place);
    await goOn(arn);
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    assert.deepEqual(await bench.workflows(arn), expected);
    assert.deepEqual(await left(arn), BUILT);
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
    const { arn, revive } = await stoppedBuild({ components: [script({ build: 'true', test: 'true' })] }, place);
    await goOn(arn);
    bench.frozen.delete(bench.engine.workerId);
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    await revive();
    assert.deepEqual(await bench.row(arn), image);
    assert.deepEqual(await left(arn), BUILT, 'it takes with it what it still had');
  });
}

test('frozen when its AMI was made: it removes that when it thaws, however its successor ended', async () => {
  bench.frozen.add(bench.engine.workerId);
  let made: MachineImage | undefined;
  const { arn, revive } = await stoppedBuild({ components: [script({ build: 'true' })] }, (hold) => {
    bench.images.faults.captured = (amiId) => {
      made = bench.images.images.get(amiId);
      return hold();
    };
  });
  await goOn(arn);
  bench.frozen.delete(bench.engine.workerId);
  // As when it froze within the capture: it is there only now.
  assert.ok(made);
  bench.images.images.set(made.amiId, made);
  await revive();
  const { status, output_resources: outputs } = await bench.row(arn);
  assert.equal(status, 'AVAILABLE');
  assert.deepEqual(await left(arn), BUILT);
  assert.ok(!JSON.stringify(outputs).includes(made.amiId));
});

test('frozen, and its successor killed before it had ended anything: the next one does not go on with what the frozen one may still end', async () => {
  bench.frozen.add(bench.engine.workerId);
  const { arn, revive } = await stoppedBuild({ components: [script({ build: 'true', test: 'true' })] }, (hold) => {
    bench.host.faults.launch = ({ parentDisk }) =>
      parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
  });
  await bench.store.jobs.enqueue(bench.store.db, arn);
  await takeOverImage(bench.store.db, { imageArn: arn, workerId: 'killed at once', place: 'bench' });
  await goOn(arn);
  bench.frozen.delete(bench.engine.workerId);
  const image = await bench.row(arn);
  assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
  assert.deepEqual(image.predecessors, [], 'what is there is the last one’s alone');
  await revive();
  assert.deepEqual(await left(arn), BUILT);
});

test('frozen, and failed before somebody had ended what it made: no AMI is kept that it may remove', async () => {
  bench.frozen.add(bench.engine.workerId);
  const { arn, revive } = await stoppedBuild({ components: [script({ test: 'true' })] }, (hold) => {
    bench.host.faults.launch = ({ parentDisk }) =>
      parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
  });
  const { engine } = bench.successor();
  const list = () => Promise.reject(new BuilderFault('The store cannot be read'));
  await goOn(arn, { ...engine, imageStore: { ...engine.imageStore, list } });
  bench.frozen.delete(bench.engine.workerId);
  const image = await bench.row(arn);
  assert.deepEqual([image.status, image.output_resources], ['FAILED', { amis: [] }]);
  await revive();
  assert.deepEqual(await left(arn), { instances: 0, amis: 0 });
  await retryImage(bench.store.db, { imageArn: arn, jobs: bench.store.jobs, at: new Date() });
  await runBuild(bench.successor().engine, arn, never);
  assert.equal((await bench.row(arn)).status, 'AVAILABLE', 'a retry begins from the start');
  assert.deepEqual(await left(arn), BUILT);
});

/** Gives the ARN of a workflow with this document. */
function insertWorkflow(type: 'BUILD' | 'DISTRIBUTION', name: string, data: string): Promise<string> {
  const slug = `${type.toLowerCase()}/${name}`;
  return insertResource(bench.store.db, {
    arn: `arn:aws:imagebuilder:us-east-1:123456789012:workflow/${slug}/1.0.0/1`,
    ...{ kind: 'workflow', slug, major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
    document: JSON.stringify({ data, type }),
  });
}

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
  const { arn } = await stoppedBuild(
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
    await goOn(arn, next.engine);
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

test('an instance of which the state after its boot was kept is gone on with, and its image has that layer', async () => {
  const checkpoints = simulatedCheckpoints(bench.folder);
  const second = '        maxAttempts: 2\n';
  const arn = await killedInSecondStep({ components: [twoSteps(second)] }, keeping(checkpoints, bench.engine));
  const [kept] = [...checkpoints.checkpoints.values()];
  assert.ok(kept?.hasMachine === true);
  const next = bench.successor();
  await writeFile(path.join(bench.folder, 'go'), '');
  await goOn(arn, { ...next.engine, checkpoints });
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
    const { arn } = await stoppedBuild(
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
    await goOn(arn, { ...bench.successor().engine, checkpoints, clock });
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
  await runBuild(engine, await bench.image({ ...onMachines, components: [long, script({ build: 'true' })] }), never);
  const arn = await killedInSecondStep({ components: [long, twoSteps('        maxAttempts: 2\n')] }, engine);
  const next = bench.successor();
  await writeFile(path.join(bench.folder, 'go'), '');
  await goOn(arn, { ...next.engine, checkpoints });
  assert.equal((await bench.row(arn)).status, 'AVAILABLE');
  assert.ok((await bench.log(arn)).some((line) => /begins anew: of i-\w+ earlier states were kept/.test(line)));
  for (const name of ['first', 'second', 'go']) await rm(path.join(bench.folder, name), { force: true });
});

test('an instance that is gone, or does not answer, is replaced', async () => {
  const hold = PLACES['ApplyBuildComponents']?.place ?? assert.fail();
  const { arn } = await stoppedBuild({ components: [script({ build: 'true' })], componentTags: {} }, hold);
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
  await goOn(arn, { ...next.engine, buildHost: { ...next.engine.buildHost, find: mute } });
  assert.equal((await bench.row(arn)).status, 'AVAILABLE');
  assert.equal(bench.host.instances.has(instanceId), false);
  assert.ok(
    (await bench.log(arn)).some((line) => line.endsWith(`begins anew: instance ${instanceId} does not answer`)),
  );
});

test('at another place the build begins from the start, with what is there', async () => {
  const { arn } = await stoppedBuild({ components: [script({ build: 'true' })] }, (hold) => {
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
    assert.equal((await left(arn)).instances, 0, 'what it left here is ended by the next look');
  } finally {
    await other[Symbol.asyncDispose]();
  }
});

test('an image that was to be cancelled when its worker was lost becomes CANCELLED', async () => {
  const { arn } = await stoppedBuild({ components: [script({ build: 'true' })] }, (hold) => {
    bench.host.faults.command = hold;
  });
  await requestImageCancellation(bench.store.db, { imageArn: arn, at: new Date() }, bench.store.jobs);
  await goOn(arn);
  assert.equal((await bench.row(arn)).status, 'CANCELLED');
  assert.ok((await bench.steps(arn)).includes('ApplyBuildComponents CANCELLED'));
  assert.deepEqual(await left(arn), { instances: 0, amis: 0 });
});

test('killed while it cancelled a build because it was to end: the image becomes CANCELLED', async () => {
  const stop = new AbortController();
  const { arn } = await stoppedBuild(
    { components: [script({ build: 'true' })] },
    (hold) => {
      bench.host.faults.command = async () => stop.abort(new BuildCancelled('Kiln was told to end.'));
      bench.host.faults.terminate = hold;
    },
    bench.engine,
    stop.signal,
  );
  assert.deepEqual(await bench.workflows(arn), ['build-image CANCELLED']);
  await goOn(arn);
  const { status, reason } = await bench.row(arn);
  assert.deepEqual([status, reason], ['CANCELLED', 'Kiln was told to end.']);
  assert.deepEqual(await left(arn), { instances: 0, amis: 0 });
  assert.deepEqual(await bench.workflows(arn), ['build-image CANCELLED']);
});

test('killed before it was on record that it cancelled the build: nothing of it is, and the build begins anew', async () => {
  const stop = new AbortController();
  bench.host.faults.command = async () => stop.abort(new BuildCancelled('Kiln was told to end.'));
  const arn = await bench.image({ ...onMachines, components: [script({ build: 'true' })] });
  const engine = dyingAt(bench.engine, 'workflow_executions', 'CANCELLED');
  await assert.rejects(runBuild(engine, arn, stop.signal), /It was killed/);
  clearFaults();
  assert.deepEqual(await bench.workflows(arn), ['build-image RUNNING']);
  assert.ok((await bench.steps(arn)).includes('ApplyBuildComponents RUNNING'));
  await goOn(arn);
  const { status, reason } = await bench.row(arn);
  assert.equal(status, 'AVAILABLE', reason ?? '');
  assert.deepEqual(await bench.workflows(arn), ANEW);
});

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

test('killed before the first workflow: the build begins', async () => {
  const arn = await bench.image(onMachines);
  await claimImage(bench.store.db, { imageArn: arn, workerId: 'worker-0', place: 'bench', at: new Date() });
  await goOn(arn);
  assert.equal((await bench.row(arn)).status, 'AVAILABLE');
});

test('a build that takes down one worker after the other ends, and says so', async () => {
  const { arn } = await stoppedBuild(
    { components: [script({ build: 'true' })], row: { ...onMachines.row, restarts: 5 } },
    (hold) => {
      bench.host.faults.command = hold;
    },
  );
  await goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.match(
    image.reason ?? '',
    /^Its worker was lost 6 times while the image was built: .*memory or disk.* cause: builder fault /,
  );
  assert.deepEqual(await left(arn), { instances: 0, amis: 0 });
  assert.deepEqual(await bench.workflows(arn), ['build-image FAILED']);
});

const GOES_ON = `schemaVersion: 1.0
steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - name: Command
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
  - name: Create
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
`;

test('a worker is lost that gives a build up: its successor gives it up too, and goes on with nothing', async () => {
  const workflowArn = await insertWorkflow('BUILD', 'goes-on', GOES_ON);
  const { arn } = await stoppedBuild(
    { row: { ...onMachines.row, restarts: 5, workflows: JSON.stringify([{ workflowArn }]) } },
    (hold) => {
      bench.host.faults.command = hold;
    },
  );
  const engine = dyingAt(bench.successor().engine, 'images', 'failure_context');
  await assert.rejects(goOn(arn, engine), /It was killed/);
  assert.deepEqual(await bench.workflows(arn), ['goes-on RUNNING']);
  await goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.match(image.reason ?? '', /^Its worker was lost 6 times while the image was built: instance i-\w+ is gone/);
  assert.deepEqual(await left(arn), { instances: 0, amis: 0 });
  assert.deepEqual(await bench.workflows(arn), ['goes-on FAILED']);
});

test('instances of ended builds are terminated, but not those that were kept or belong to no build', async () => {
  const kept = await bench.image({
    ...onMachines,
    components: [script({ build: 'exit 1' })],
    infrastructure: { terminateInstanceOnFailure: false },
  });
  await runBuild(bench.engine, kept, never);
  const ended = await bench.image(onMachines);
  await runBuild(bench.engine, ended, never);
  const { arn: running, revive } = await stoppedBuild({ components: [script({ build: 'true' })] }, (hold) => {
    bench.host.faults.command = hold;
  });
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
  await terminateLeftovers(bench.successor().engine);
  const owners = (await bench.host.list()).map(({ owner }) => owner);
  for (const stays of [kept, running, 'kiln run ami-1']) assert.ok(owners.includes(stays), stays);
  assert.ok(!owners.includes(ended));
  await revive();
  assert.equal(existsSync(path.join(bench.folder, 'i-00000000000000001')), false);
});

test('what an earlier attempt of a step did counts for nothing in the next one', async () => {
  const file = path.join(bench.folder, 'attempts');
  const again = `  - name: build
    steps:
      - { name: One, action: ExecuteBash, inputs: { commands: ['echo one >> ${file}'] } }
      - { name: Two, action: ExecuteBash, inputs: { commands: ['echo two >> ${file}; [ $(grep -c two ${file}) -gt 1 ]'] } }
`;
  const workflowArn = await insertWorkflow('BUILD', 'again', TWO_ATTEMPTS);
  let attempts = 0;
  const { arn } = await stoppedBuild(
    { components: [again], row: { ...onMachines.row, workflows: JSON.stringify([{ workflowArn }]) } },
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
  await goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
  const anew = ['again CANCELLED', 'again COMPLETED'];
  assert.deepEqual(await bench.workflows(arn), anew, 'the step that was interrupted may not run twice');
  await rm(file);
});

const TWO_ATTEMPTS = `schemaVersion: 1.0
steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - name: Components
    action: ExecuteComponents
    retry: { maxAttempts: 2, backoffSeconds: 0 }
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
  - name: Create
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId
`;

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
  const workflowArn = await insertWorkflow('DISTRIBUTION', 'only', ONLY_DISTRIBUTED);
  for (const [when, place] of Object.entries(IN_DISTRIBUTION)) {
    const { arn } = await stoppedBuild({ row: { workflows: JSON.stringify([{ workflowArn }]) } }, place);
    const before = [...bench.images.images.values()].filter(({ source }) => source === arn);
    await goOn(arn);
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
  const workflowArn = await insertWorkflow('BUILD', 'two-amis', TWO_AMIS);
  const { arn } = await stoppedBuild(
    { row: { ...onMachines.row, workflows: JSON.stringify([{ workflowArn }]) } },
    (hold) => {
      bench.host.faults.command = async (_, { argv, stdin }) => {
        if (`${argv.join(' ')} ${stdin}`.includes('two-amis')) await hold();
      };
    },
  );
  assert.equal((await left(arn)).amis, 2);
  const before = [...bench.images.images.keys()];
  const seen: string[] = [];
  const next = bench.successor();
  next.host.faults.command = async (_, { argv, stdin }) => {
    if (!`${argv.join(' ')} ${stdin}`.includes('two-amis')) return;
    seen.push(...[...bench.images.images.values()].flatMap(({ source, amiId }) => (source === arn ? [amiId] : [])));
  };
  await goOn(arn, next.engine);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.deepEqual(await bench.workflows(arn), ['two-amis CANCELLED', 'two-amis ROLLBACK_COMPLETED']);
  const made = new Set(seen);
  assert.equal(made.size, 2);
  for (const amiId of made) assert.ok(!before.includes(amiId), 'those of the first try were gone');
  assert.deepEqual(await left(arn), { instances: 0, amis: 0 });
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
    const workflowArn = await insertWorkflow('DISTRIBUTION', `judged-${outlives}`, JUDGED);
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
    const { arn } = await stoppedBuild(
      { row: { workflows: JSON.stringify([{ workflowArn }]) } },
      (given) => {
        hold = given;
      },
      { ...bench.engine, stateMachines },
    );
    hold = async () => {};
    await goOn(arn, { ...bench.successor().engine, stateMachines });
    const image = await bench.row(arn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    assert.equal(names.length, 2);
    assert.equal(new Set(names).size, outlives ? 1 : 2);
    const completed = `judged-${outlives} COMPLETED`;
    const anew = [`judged-${outlives} CANCELLED`, completed];
    assert.deepEqual(await bench.workflows(arn), outlives ? [completed] : anew);
  });
}

test('frozen while its steps were taken back: no workflow is left on record as one of which that goes on', async () => {
  bench.frozen.add(bench.engine.workerId);
  const { arn, revive } = await stoppedBuild({ components: [script({ build: 'exit 1' })] }, (hold) => {
    bench.host.faults.terminate = hold;
  });
  assert.deepEqual(await bench.workflows(arn), ['build-image ROLLBACK_IN_PROGRESS']);
  await goOn(arn);
  bench.frozen.delete(bench.engine.workerId);
  await revive();
  assert.equal((await bench.row(arn)).status, 'FAILED');
  assert.deepEqual(await bench.workflows(arn), ['build-image CANCELLED', 'build-image ROLLBACK_COMPLETED']);
  const steps = bench.store.db.selectFrom('workflow_step_executions').select(['name', 'rollback_status']);
  const rows = await steps.where('image_arn', '=', arn).where('name', '=', 'LaunchBuildInstance').execute();
  assert.deepEqual(rows.map(({ rollback_status: status }) => status).toSorted(), ['COMPLETED', 'FAILED']);
});

test('killed while its steps were taken back, once too often: that it was interrupted is on record', async () => {
  const { arn } = await stoppedBuild({ components: [script({ build: 'exit 1' })] }, (hold) => {
    bench.host.faults.terminate = hold;
  });
  const { engine } = bench.successor();
  await bench.store.db.updateTable('images').set({ restarts: 5 }).where('arn', '=', arn).execute();
  bench.frozen.add(bench.engine.workerId);
  await goOn(arn, engine);
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
  const { arn } = await stoppedBuild(
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
  await goOn(arn);
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.deepEqual(await left(arn), { instances: 1, amis: 0 });
  assert.match(image.reason ?? '', /Instance (i-\w+) was kept: enter it with `enter \1`/);
});
