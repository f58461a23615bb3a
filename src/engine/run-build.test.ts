import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Catalog } from '../image-store/image-store.ts';
import { insertResource } from '../state/test-rows.ts';
import { requestImageCancellation } from '../state/transitions/request-image-cancellation.ts';
import { BuilderFault, BuildFailure } from '../util/faults.ts';
import { BuildCancelled } from './failure.ts';
import { runBuild } from './run-build.ts';
import { ACCOUNT, type BenchImage, type BuildBench, openBench, script } from './simulated/build-bench.ts';

let bench: BuildBench;
before(async () => {
  bench = await openBench();
});
after(async () => {
  await bench[Symbol.asyncDispose]();
});

const never = new AbortController().signal;

async function build(options: BenchImage = {}): Promise<string> {
  const arn = await bench.image(options);
  await runBuild(bench.engine, arn, never);
  return arn;
}

/** Instances and AMIs that a build left. */
async function left(arn: string): Promise<{ instances: number; amis: number }> {
  const instances = (await bench.host.list()).filter(({ owner }) => owner === arn).length;
  const amis = [...bench.images.images.values()].filter(({ source }) => source === arn).length;
  return { instances, amis };
}

const NOTHING = { instances: 0, amis: 0 };

test('a build goes through every stage and ends with a tested AMI', async () => {
  const arn = await build({ components: [script({ build: 'echo built', test: 'echo tested' })] });
  const image = await bench.row(arn);
  assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
  assert.deepEqual(await bench.stages(arn), ['CREATING', 'BUILDING', 'TESTING', 'DISTRIBUTING', 'AVAILABLE']);
  assert.deepEqual(await bench.workflows(arn), ['build-image COMPLETED', 'test-image COMPLETED']);
  assert.deepEqual(await bench.steps(arn), [
    'LaunchBuildInstance COMPLETED',
    'ApplyBuildComponents COMPLETED',
    'InventoryCollection COMPLETED',
    'RunSanitizeScript COMPLETED',
    'CreateOutputAMI COMPLETED',
    'TerminateBuildInstance COMPLETED',
    'LaunchTestInstance COMPLETED',
    'ApplyTestComponents COMPLETED',
    'TerminateTestInstance COMPLETED',
  ]);
  assert.deepEqual(await left(arn), { instances: 0, amis: 1 });
  const [ami] = [...bench.images.images.values()].filter(({ source }) => source === arn);
  assert.deepEqual(image.output_resources, {
    amis: [{ region: 'us-east-1', image: ami?.amiId, name: ami?.name, accountId: '123456789012' }],
  });
  assert.ok(image.os_version !== null && image.ended_at !== null);
  const packages = await bench.store.db.selectFrom('image_packages').selectAll().where('image_arn', '=', arn).execute();
  assert.ok(packages.length > 0);
  const log = await bench.log(arn);
  assert.ok(log.includes('built') && log.includes('tested'), log.join('\n'));
  assert.ok(log.some((line) => /^\[image-.*-0\] build\/Run: ExecuteBash$/.test(line)));
});

test('the test instance boots the new AMI, with the type, volumes and user data of the definitions', async () => {
  const before = bench.host.launches.length;
  const arn = await build({
    recipe: {
      blockDeviceMappings: [
        { deviceName: '/dev/xvda', ebs: { volumeSize: 20 } },
        { deviceName: '/dev/xvdb', ebs: { volumeSize: 3 } },
      ],
      additionalInstanceConfiguration: { userDataOverride: Buffer.from('#!/bin/sh\n').toString('base64') },
    },
    infrastructure: { instanceTypes: ['t3.small', 'm5.large'] },
  });
  const [building, testing] = bench.host.launches.slice(before);
  const ami = [...bench.images.images.values()].find(({ source }) => source === arn);
  assert.equal(building?.parentDisk.path, '/simulated/ami-00000000000000001.qcow2');
  assert.equal(testing?.parentDisk.path, `/simulated/${ami?.amiId}.qcow2`);
  for (const launch of [building, testing]) {
    assert.equal(launch?.rootVolumeSizeGiB, 20);
    assert.deepEqual(launch?.extraVolumes, [{ deviceName: '/dev/xvdb', sizeGiB: 3 }]);
    assert.deepEqual(launch?.instanceTypes, ['t3.small', 'm5.large']);
    assert.equal(Buffer.from(launch?.userData ?? []).toString(), '#!/bin/sh\n');
  }
});

test('the AMI has the name, description and tags of the distribution of this Region', async () => {
  const arn = await build({
    recipe: { amiTags: { Team: 'a' } },
    distributions: [
      {
        region: 'us-east-1',
        amiDistributionConfiguration: {
          name: 'web {{ imagebuilder:buildVersion }}',
          description: 'a web server',
          amiTags: { Build: '{{ imagebuilder:buildVersion }}' },
        },
      },
    ],
  });
  const ami = [...bench.images.images.values()].find(({ source }) => source === arn);
  assert.equal(ami?.name, 'web 1');
  assert.equal(ami?.description, 'a web server');
  assert.deepEqual(ami?.tags, { CreatedBy: 'EC2 Image Builder', Ec2ImageBuilderArn: arn, Team: 'a', Build: '1' });
});

test('steps that have nothing to do are skipped, with their inputs as written and no time taken', async () => {
  const arn = await build({ row: { enhanced_image_metadata_enabled: false } });
  assert.deepEqual(
    (await bench.steps(arn)).filter((step) => step.endsWith('SKIPPED')),
    ['ApplyBuildComponents SKIPPED', 'InventoryCollection SKIPPED', 'ApplyTestComponents SKIPPED'],
  );
  const step = await bench.store.db
    .selectFrom('workflow_step_executions')
    .selectAll()
    .where('image_arn', '=', arn)
    .where('name', '=', 'InventoryCollection')
    .executeTakeFirstOrThrow();
  assert.deepEqual(step.inputs, { 'instanceId.$': '$.stepOutputs.LaunchBuildInstance.instanceId' });
  assert.deepEqual(step.started_at, step.ended_at);
});

test('without tests the image is not booted again', async () => {
  const off = JSON.stringify({ imageTestsEnabled: false, timeoutMinutes: 720 });
  const arn = await build({ row: { image_tests_configuration: off } });
  assert.deepEqual(await bench.stages(arn), ['CREATING', 'BUILDING', 'DISTRIBUTING', 'AVAILABLE']);
  assert.deepEqual(await bench.workflows(arn), ['build-image COMPLETED']);
});

test('components get the environment that Image Builder gives them', async () => {
  const arn = await build({
    components: [script({ build: 'env | grep ^IMAGE_ | sort', test: 'echo phase=$IMAGE_PHASE' })],
  });
  const log = await bench.log(arn);
  const step = await stepRow(arn, 'ApplyBuildComponents');
  for (const line of [
    `IMAGE_BUILD_VERSION_ARN=${arn}`,
    'IMAGE_BUILD_VERSION=1',
    'IMAGE_VERSION=1.0.0',
    'IMAGE_PHASE=BUILDING',
    'IMAGE_PIPELINE_ARN=',
    `IMAGE_STEP_EXECUTION_ID=${step.id}`,
    `IMAGE_WORKFLOW_EXECUTION_ID=${step.workflow_execution_id}`,
    'phase=TESTING',
  ]) {
    assert.ok(log.includes(line), line);
  }
});

test('a component that fails: the reason names it, the instance is gone, later steps stay PENDING', async () => {
  const arn = await build({ components: [script({ build: 'echo one; echo the cause >&2; exit 3' })] });
  const image = await bench.row(arn);
  const {
    id,
    workflow_execution_id: workflowId,
    status,
    message,
    outputs,
  } = await stepRow(arn, 'ApplyBuildComponents');
  const componentArn = String(componentsOf(image)[0]?.componentArn);
  assert.equal(image.status, 'FAILED');
  const words = `Workflow Execution ID: '${workflowId}' failed with reason: Document ${componentArn} failed!`;
  assert.ok(image.reason?.startsWith(`${words} component '${image.name}-0', phase build, step Run (ExecuteBash): `));
  assert.match(
    image.reason ?? '',
    /exit status 3 \| command: echo one; .* \| the cause \| cause: script error \| try: /,
  );
  assert.equal((image.reason ?? '').includes('\n'), false);
  assert.equal(image.failure_context?.['imageStatus'], 'BUILDING');
  assert.equal(image.failure_context?.['failedStep'], 'ApplyBuildComponents');
  assert.equal(image.failure_context?.['stepExecutionId'], id);
  assert.equal(image.failure_context?.['workflowExecutionId'], workflowId);
  const failure = image.failure_context?.['componentFailure'] as Record<string, string>;
  assert.deepEqual(
    [failure['componentArn'], failure['phaseName'], failure['stepName'], failure['action']],
    [componentArn, 'build', 'Run', 'ExecuteBash'],
  );
  assert.equal(status, 'FAILED');
  assert.match(message ?? '', /the cause/);
  assert.equal(outputs?.['status'], 'Failed');
  assert.deepEqual(await bench.steps(arn), [
    'LaunchBuildInstance COMPLETED',
    'ApplyBuildComponents FAILED',
    'InventoryCollection PENDING',
    'RunSanitizeScript PENDING',
    'CreateOutputAMI PENDING',
    'TerminateBuildInstance PENDING',
  ]);
  assert.equal((await stepRow(arn, 'LaunchBuildInstance')).rollback_status, 'COMPLETED');
  assert.deepEqual(await bench.workflows(arn), ['build-image ROLLBACK_COMPLETED']);
  assert.deepEqual(await left(arn), NOTHING);
  assert.ok((await bench.log(arn)).some((line) => line.startsWith('Failed: Workflow Execution ID')));
});

test('a test that fails fails the image, and its AMI stays for RetryImage', async () => {
  const arn = await build({ components: [script({ build: 'true', test: 'exit 1' })] });
  const image = await bench.row(arn);
  assert.equal(image.status, 'FAILED');
  assert.match(image.reason ?? '', /phase test.* ami-[0-9a-f]{17} was kept for RetryImage\.$/);
  assert.equal(image.failure_context?.['imageStatus'], 'TESTING');
  const { amis } = image.output_resources as { amis: readonly { image: string }[] };
  assert.equal(bench.images.images.get(amis[0]?.image ?? '')?.source, arn);
  assert.deepEqual(await left(arn), { instances: 0, amis: 1 });
});

test('an image that is deleted while it is built ends its build and leaves nothing', async () => {
  const arn = await bench.image({ components: [script({ build: 'sleep 600' })] });
  bench.host.faults.command = async () => {
    await bench.store.db.deleteFrom('images').where('arn', '=', arn).execute();
  };
  await runBuild(bench.engine, arn, never);
  delete bench.host.faults.command;
  assert.deepEqual(await left(arn), NOTHING);
});

test('a failed instance that is to be kept is kept, and the reason says how to enter and end it', async () => {
  const arn = await build({
    components: [script({ build: 'exit 1' })],
    infrastructure: { terminateInstanceOnFailure: false },
  });
  const image = await bench.row(arn);
  const [instance] = (await bench.host.list()).filter(({ owner }) => owner === arn);
  assert.ok(instance?.running);
  const enter = `enter it with \`enter ${instance.instanceId}\`, end it with \`kiln rm ${arn}\`.`;
  assert.ok(image.reason?.endsWith(`Instance ${instance.instanceId} was kept: ${enter}`), image.reason ?? '');
  assert.equal((await stepRow(arn, 'LaunchBuildInstance')).rollback_status, 'SKIPPED');
  assert.deepEqual(await bench.workflows(arn), ['build-image FAILED']);
});

test('a kept test instance keeps the AMI that it runs on', async () => {
  const arn = await build({
    components: [script({ test: 'exit 1' })],
    infrastructure: { terminateInstanceOnFailure: false },
  });
  assert.deepEqual(await left(arn), { instances: 1, amis: 1 });
  const { amis } = (await bench.row(arn)).output_resources as { amis: readonly { image: string }[] };
  assert.equal(bench.images.images.get(amis[0]?.image ?? '')?.source, arn);
  assert.match((await bench.row(arn)).reason ?? '', /ami-[0-9a-f]{17} was kept with it\.$/);
});

test('a step whose failure does not matter is FAILED and the build goes on', async () => {
  let refused = false;
  bench.host.faults.terminate = async () => {
    if (refused) return;
    refused = true;
    throw new BuilderFault('the guest does not let go');
  };
  const arn = await build();
  delete bench.host.faults.terminate;
  assert.equal((await bench.row(arn)).status, 'AVAILABLE');
  assert.ok((await bench.steps(arn)).includes('TerminateBuildInstance FAILED'));
  assert.deepEqual(await left(arn), { instances: 0, amis: 1 });
});

test('an instance that cannot be launched fails the build with the driver’s own words', async () => {
  bench.host.faults.launch = () =>
    Promise.reject(new BuilderFault('QEMU is not installed', { hint: 'Install qemu-system-x86.' }));
  const arn = await build();
  delete bench.host.faults.launch;
  const { status, reason } = await bench.row(arn);
  assert.equal(status, 'FAILED');
  assert.match(
    reason ?? '',
    /Step LaunchBuildInstance \(LaunchInstance\) failed: QEMU is not installed\. Install qemu/,
  );
  assert.deepEqual(await left(arn), NOTHING);
});

test('a full disk at the capture leaves no AMI', async () => {
  bench.images.faults.capture = () => Promise.reject(new BuilderFault('no space left on device'));
  const arn = await build();
  delete bench.images.faults.capture;
  assert.match(
    (await bench.row(arn)).reason ?? '',
    /CreateOutputAMI.*no space left on device \| cause: disk full \| try: Free space on the disk of the worker/,
  );
  assert.deepEqual(await left(arn), NOTHING);
});

test('an error that nobody foresaw fails the build without its inner words', async () => {
  bench.images.faults.capture = () => Promise.reject(new TypeError('x is not a function'));
  const arn = await build();
  delete bench.images.faults.capture;
  assert.match((await bench.row(arn)).reason ?? '', /Kiln had an internal error.* \| cause: builder fault/);
  assert.deepEqual(await left(arn), NOTHING);
});

test('what cannot be looked up fails the build before any workflow', async () => {
  const cases: readonly [BenchImage, RegExp][] = [
    [{ recipe: { parentImage: 'ami-0123456789abcdef0' } }, /'ami-0123456789abcdef0' is not in the image store/],
    [{ recipe: { parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/beos-x86/x.x.x' } }, /not in the catalogue/],
    [
      { recipe: { parentImage: 'arn:aws:imagebuilder:us-east-1:123456789012:image/none/x.x.x' } },
      /has no available build/,
    ],
    [
      {
        recipe: {
          components: [{ componentArn: 'arn:aws:imagebuilder:us-east-1:123456789012:component/none/1.0.0/1' }],
        },
      },
      /Component '.*none.*' does not exist/,
    ],
    [{ row: { platform: 'Windows' } }, /does not build Windows images yet/],
    [{ distributions: [{ region: 'eu-west-1' }] }, /does not distribute to other Regions yet: eu-west-1/],
  ];
  for (const [options, reason] of cases) {
    const arn = await build(options);
    const image = await bench.row(arn);
    assert.match(image.reason ?? '', reason);
    assert.match(image.reason ?? '', / \| cause: definition \| try: Mend the definition/);
    assert.deepEqual(image.failure_context, { imageStatus: 'CREATING' });
    assert.deepEqual(await bench.workflows(arn), []);
  }
});

test('an image of one’s own is a parent, by wildcard', async () => {
  const parent = await build();
  const wildcard = parent.replace(/1\.0\.0\/1$/, 'x.x.x');
  const arn = await build({ recipe: { parentImage: wildcard } });
  const own = [...bench.images.images.values()];
  const parentAmi = own.find(({ source }) => source === parent)?.amiId;
  assert.equal(own.find(({ source }) => source === arn)?.parentAmiId, parentAmi);
});

test('a build that is cancelled in any of its steps is CANCELLED and leaves at most a whole AMI', async () => {
  const component = script({ build: 'sleep 600', test: 'sleep 600' });
  const hold = (cancel: () => void, signal: AbortSignal): Promise<never> => {
    cancel();
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  const isBuild = (amiId: string): boolean => amiId.includes('ami-00000000000000001');
  const { faults } = bench.host;
  /** Holds or cancels at the first command whose text matches. */
  const atCommand = (text: RegExp, cancel: () => void): void => {
    faults.command = async (_, { argv, signal }) => {
      if (text.test(argv.join(' '))) await hold(cancel, signal);
    };
  };
  const places: Readonly<Record<string, (cancel: () => void) => BenchImage>> = {
    LaunchBuildInstance: (cancel) => {
      faults.launch = (_, { signal }) => hold(cancel, signal);
      return {};
    },
    ApplyBuildComponents: (cancel) => {
      faults.command = async () => cancel();
      return { components: [component] };
    },
    InventoryCollection: (cancel) => {
      atCommand(/dpkg-query/, cancel);
      return {};
    },
    RunSanitizeScript: (cancel) => {
      atCommand(/sanitize-instance/, cancel);
      return {};
    },
    CreateOutputAMI: (cancel) => {
      bench.images.faults.capture = (_, { signal }) => hold(cancel, signal);
      return {};
    },
    LaunchTestInstance: (cancel) => {
      faults.launch = async ({ parentDisk }, { signal }) => {
        if (!isBuild(parentDisk.path)) await hold(cancel, signal);
      };
      return {};
    },
    ApplyTestComponents: (cancel) => {
      faults.launch = async ({ parentDisk }) => {
        if (!isBuild(parentDisk.path)) faults.command = async () => cancel();
      };
      return { components: [script({ test: 'sleep 600' })] };
    },
  };
  for (const [step, prepare] of Object.entries(places)) {
    let arn = '';
    const cancel = (): void => {
      requestImageCancellation(bench.store.db, { imageArn: arn, at: new Date() }, bench.store.jobs).catch(
        assert.ifError,
      );
    };
    arn = await bench.image(prepare(cancel));
    await runBuild(bench.engine, arn, never);
    delete faults.launch;
    delete faults.command;
    delete bench.images.faults.capture;
    const image = await bench.row(arn);
    assert.equal(image.status, 'CANCELLED', step);
    assert.match(image.reason ?? '', /CancelImageCreation/);
    assert.ok((await bench.steps(arn)).includes(`${step} CANCELLED`), step);
    assert.equal((await bench.workflows(arn)).at(-1)?.endsWith('CANCELLED'), true, step);
    assert.deepEqual(await left(arn), { instances: 0, amis: step.includes('Test') ? 1 : 0 }, step);
  }
});

test('a build that is cancelled while its parent image is made, CREATING, is CANCELLED before any workflow', async () => {
  const arn = await bench.image();
  const seen: string[] = [];
  const catalog: Catalog = {
    ...bench.engine.catalog,
    provide: async (_name, { signal }) => {
      seen.push((await bench.row(arn)).status);
      await requestImageCancellation(bench.store.db, { imageArn: arn, at: new Date() }, bench.store.jobs);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    },
  };
  await runBuild({ ...bench.engine, catalog }, arn, never);
  assert.deepEqual(seen, ['CREATING']);
  const { status, reason } = await bench.row(arn);
  assert.equal(status, 'CANCELLED');
  assert.match(reason ?? '', /CancelImageCreation/);
  assert.deepEqual(await bench.workflows(arn), []);
  assert.deepEqual(await left(arn), NOTHING);
});

test('a step that timed out says how long it took in earlier builds of the image', async () => {
  const workflowArn = await insertResource(bench.store.db, {
    ...{ arn: `arn:aws:imagebuilder:us-east-1:${ACCOUNT}:workflow/build/hasty/1.0.0/1`, kind: 'workflow' },
    ...{ slug: 'build/hasty', major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' },
    document: JSON.stringify({
      type: 'BUILD',
      data: `schemaVersion: 1.0
steps:
  - { name: Launch, action: LaunchInstance, timeoutSeconds: 1, inputs: { waitFor: ssmAgent } }
  - { name: Capture, action: CreateImage, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
  - { name: End, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
`,
    }),
  });
  const workflows = JSON.stringify([{ workflowArn }]);
  const reasons: (string | null)[] = [];
  for (const number of [1, 2, 3]) {
    bench.host.faults.launch = (_, { signal }) =>
      number === 2
        ? Promise.resolve()
        : new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const arn = await build({ row: { slug: 'hasty', build: number, workflows } });
    delete bench.host.faults.launch;
    reasons.push((await bench.row(arn)).reason);
  }
  assert.match(reasons[0] ?? '', /timed out after 1 s.*cause: timeout \| try/, 'nothing to compare with');
  assert.equal(reasons[1], null);
  assert.match(reasons[2] ?? '', /timed out after 1 s.*cause: timeout \(it took [0-9.]+ s in one earlier run\) \| try/);
});

test('a build is cancelled when its process is to end, with the reason given', async () => {
  const stop = new AbortController();
  bench.host.faults.launch = async () => stop.abort(new BuildCancelled('Kiln was stopped.'));
  const arn = await bench.image();
  await runBuild(bench.engine, arn, stop.signal);
  delete bench.host.faults.launch;
  const { status, reason } = await bench.row(arn);
  assert.deepEqual([status, reason], ['CANCELLED', 'Kiln was stopped.']);
  assert.deepEqual(await left(arn), NOTHING);
});

test('a guest that never answers fails its step with what the driver saw', async () => {
  bench.host.faults.launch = () =>
    Promise.reject(new BuildFailure('i-1 did not answer within 9 s.\nKernel panic', { kind: 'guest lost' }));
  const arn = await build();
  delete bench.host.faults.launch;
  assert.match(
    (await bench.row(arn)).reason ?? '',
    /did not answer within 9 s\. \| Kernel panic \| cause: guest lost \| try: /,
  );
});

test('an image that somebody else has, or that is cancelled, is left alone', async () => {
  const arn = await bench.image();
  await requestImageCancellation(bench.store.db, { imageArn: arn, at: new Date() }, bench.store.jobs);
  const launches = bench.host.launches.length;
  await runBuild(bench.engine, arn, never);
  assert.equal((await bench.row(arn)).status, 'CANCELLED');
  assert.equal(bench.host.launches.length, launches);
});

test('builds leave nothing in the working directory', async () => {
  assert.deepEqual(await readdir(`${bench.folder}/work`), []);
});

async function stepRow(arn: string, name: string) {
  return bench.store.db
    .selectFrom('workflow_step_executions')
    .selectAll()
    .where('image_arn', '=', arn)
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
}

function componentsOf(image: { image_recipe: Record<string, unknown> }): readonly { componentArn: string }[] {
  return image.image_recipe['components'] as readonly { componentArn: string }[];
}
