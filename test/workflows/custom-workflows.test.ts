import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { script } from '../../src/engine/simulated/build-bench.ts';
import { ARN_PREFIX, managed, openWholeService, ROLE, token, type WholeService } from './whole-service.ts';

let whole: WholeService;
before(async () => {
  whole = await openWholeService();
});
after(async () => {
  await whole[Symbol.asyncDispose]();
});

const LAUNCH = '  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }\n';
const END = '  - { name: End, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }\n';
const CAPTURE =
  '  - { name: Capture, action: CreateImage, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }\n';

test('an image is made by the workflows that were chosen for it, with their parameters', async () => {
  const build = await whole.workflow(
    'own-build',
    'BUILD',
    `parameters:
  - { name: collect, type: boolean, default: true }
  - { name: types, type: stringList, default: [m5.large] }
steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent, instanceTypesOverride.$: $.parameters.types } }
  - name: Look
    action: CollectImageMetadata
    if: { booleanEquals: true, value: $.parameters.collect }
    inputs: { instanceId.$: $.stepOutputs.Launch.instanceId }
${CAPTURE}${END}outputs:
  - { name: Made, value: $.stepOutputs.Capture.imageId }
`,
  );
  const check = await whole.workflow(
    'own-check',
    'TEST',
    `steps:
  - { name: Again, action: LaunchInstance, inputs: { waitFor: ssmAgent, imageIdOverride.$: $.workflowOutputs.Made } }
  - { name: Stop, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Again.instanceId } }
`,
  );
  const workflows = [
    { workflowArn: check.replace(/1\.0\.0\/1$/, 'x.x.x') },
    {
      workflowArn: build,
      parameters: [
        { name: 'collect', value: ['false'] },
        { name: 'types', value: ['t3.small', 'c5.large'] },
      ],
    },
  ];
  const launches = whole.bench.host.launches.length;
  const arn = await whole.image(workflows);
  await whole.work(arn);
  const { image } = await whole.call.GetImage({ imageBuildVersionArn: arn });
  assert.equal(image?.state?.status, 'AVAILABLE', image?.state?.reason);
  assert.deepEqual(
    image?.workflows?.map(({ workflowArn }) => workflowArn),
    [check, build],
  );
  assert.equal(image?.executionRole, ROLE);
  assert.deepEqual(await whole.steps(arn), [
    'Launch COMPLETED',
    'Look SKIPPED',
    'Capture COMPLETED',
    'End COMPLETED',
    'Again COMPLETED',
    'Stop COMPLETED',
  ]);
  const [building, testing] = whole.bench.host.launches.slice(launches);
  assert.deepEqual(building?.instanceTypes, ['t3.small', 'c5.large']);
  assert.equal(testing?.parentDisk.path, `/simulated/${image?.outputResources?.amis?.[0]?.image}.qcow2`);
});

test('stages without a workflow are left out: only tests, which boot what the recipe names', async () => {
  const launches = whole.bench.host.launches.length;
  const arn = await whole.image([{ workflowArn: managed('test', 'test-image') }], {
    components: [script({ test: 'echo only tested' })],
  });
  await whole.work(arn);
  const { image } = await whole.call.GetImage({ imageBuildVersionArn: arn });
  assert.equal(image?.state?.status, 'AVAILABLE', image?.state?.reason);
  assert.deepEqual(image?.outputResources, { amis: [] });
  assert.deepEqual(await whole.bench.stages(arn), ['PENDING', 'CREATING', 'TESTING', 'DISTRIBUTING', 'AVAILABLE']);
  assert.equal(whole.bench.host.launches[launches]?.parentDisk.path, '/simulated/ami-00000000000000001.qcow2');
  assert.ok((await whole.bench.log(arn)).includes('only tested'));
});

test('a failed test workflow fails the image, or not when it says CONTINUE', async () => {
  const bad = await whole.workflow(
    'bad',
    'TEST',
    'steps:\n  - { name: Never, action: TerminateInstance, inputs: { instanceId: i-none } }\n',
  );
  const good = managed('test', 'express-test-image');
  const build = managed('build', 'express-build-image');
  const goesOn = await whole.image([
    { workflowArn: build },
    { workflowArn: bad, onFailure: 'CONTINUE' },
    { workflowArn: good },
  ]);
  await whole.work(goesOn);
  assert.equal((await whole.bench.row(goesOn)).status, 'AVAILABLE');
  assert.deepEqual(await whole.bench.workflows(goesOn), [
    'express-build-image COMPLETED',
    'bad FAILED',
    'express-test-image COMPLETED',
  ]);
  const ends = await whole.image([{ workflowArn: build }, { workflowArn: bad }, { workflowArn: good }]);
  await whole.work(ends);
  const row = await whole.bench.row(ends);
  assert.equal(row.status, 'FAILED');
  assert.equal(row.failure_context?.['imageStatus'], 'TESTING');
  assert.equal(row.failure_context?.['failedStep'], 'Never');
  assert.equal(row.failure_context?.['workflowArn'], bad);
  assert.deepEqual(await whole.bench.workflows(ends), ['express-build-image COMPLETED', 'bad FAILED']);
});

test('workflows of a group run at the same time, five at once; groups run one after the other', async () => {
  const check = await whole.workflow('one-of-many', 'TEST', `steps:\n${LAUNCH}${END}`);
  let running = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const full = Promise.withResolvers<void>();
  whole.bench.host.faults.launch = async ({ parentDisk }) => {
    if (parentDisk.path.includes('ami-00000000000000001')) return;
    running++;
    most = Math.max(most, running);
    if (running === 5) full.resolve();
    await new Promise<void>((resolve) => gates.push(resolve));
    running--;
  };
  const arn = await whole.image([
    { workflowArn: managed('build', 'build-image') },
    ...Array.from({ length: 7 }, () => ({ workflowArn: check, parallelGroup: 'all' })),
    { workflowArn: check, parallelGroup: 'last' },
  ]);
  const done = whole.work(arn);
  await Promise.race([full.promise, done]);
  let ended = false;
  void done.then(() => {
    ended = true;
  });
  while (!ended) {
    // Those that come later find an open gate.
    for (const open of gates.splice(0)) open();
    await new Promise((resolve) => setImmediate(resolve));
  }
  delete whole.bench.host.faults.launch;
  await done;
  assert.equal(most, 5);
  const { workflowExecutions = [] } = await whole.call.ListWorkflowExecutions({ imageBuildVersionArn: arn });
  assert.deepEqual(
    workflowExecutions.map(({ status, parallelGroup }) => [status, parallelGroup]),
    [['COMPLETED', undefined], ...Array.from({ length: 7 }, () => ['COMPLETED', 'all']), ['COMPLETED', 'last']],
  );
  const [last, ...others] = workflowExecutions.toReversed();
  assert.ok(others.every(({ endTime = '' }) => endTime <= (last?.startTime ?? '')));
});

test('a workflow of a group that fails ends the others of its group', async () => {
  const bad = await whole.workflow(
    'bad-in-group',
    'TEST',
    `steps:\n${LAUNCH.replace('Launch,', 'Mine,')}  - { name: Never, action: TerminateInstance, inputs: { instanceId: i-none } }\n`,
  );
  const launchSlow = LAUNCH.replace('ssmAgent', 'ssmAgent, instanceTypesOverride: [t3.small]');
  const slow = await whole.workflow('slow-in-group', 'TEST', `steps:\n${launchSlow}${END}`);
  const arn = await whole.image([
    { workflowArn: managed('build', 'build-image') },
    { workflowArn: slow, parallelGroup: 'g' },
    { workflowArn: bad, parallelGroup: 'g' },
  ]);
  const held = Promise.withResolvers<void>();
  whole.bench.host.faults.launch = async ({ parentDisk, instanceTypes }, { signal }) => {
    if (parentDisk.path.includes('ami-00000000000000001')) return;
    // The other one goes on when this one hangs.
    if (!instanceTypes.includes('t3.small')) return held.promise;
    held.resolve();
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  };
  await whole.work(arn);
  delete whole.bench.host.faults.launch;
  assert.deepEqual((await whole.bench.workflows(arn)).map((workflow) => workflow.split(' ')[1]).toSorted(), [
    'CANCELLED',
    'COMPLETED',
    'ROLLBACK_COMPLETED',
  ]);
  const row = await whole.bench.row(arn);
  assert.equal(row.failure_context?.['failedStep'], 'Never');
  assert.deepEqual(
    (await whole.bench.host.list()).filter(({ owner }) => owner === arn),
    [],
  );
});

test('what every workflow does when it fails may be said of each: ABORT', async () => {
  const distribution = managed('distribution', 'distribute-image');
  const workflows = [managed('build', 'express-build-image'), distribution].map((workflowArn) => ({
    ...{ workflowArn, onFailure: 'ABORT' as const },
  }));
  const arn = await whole.image(workflows, { imageTestsEnabled: false });
  await whole.work(arn);
  const { image } = await whole.call.GetImage({ imageBuildVersionArn: arn });
  assert.equal(image?.state?.status, 'AVAILABLE', image?.state?.reason);
  assert.deepEqual(
    image?.workflows?.map(({ onFailure }) => onFailure),
    ['ABORT', 'ABORT'],
  );
});

test('lists of workflows that cannot be are refused, each by its member', async () => {
  const parts = await whole.definitions();
  const strict = await whole.workflow(
    'strict',
    'TEST',
    `parameters:\n  - { name: count, type: integer }\n  - { name: yes, type: boolean, default: true }\nsteps:\n${LAUNCH}${END}`,
  );
  const reader = await whole.workflow(
    'reader',
    'TEST',
    'steps:\n  - { name: Use, action: TerminateInstance, inputs: { instanceId.$: $.workflowOutputs.Machine } }\n',
  );
  const writer = await whole.workflow(
    'writer',
    'TEST',
    `steps:\n${LAUNCH}outputs:\n  - { name: Machine, value: $.stepOutputs.Launch.instanceId }\n`,
  );
  const build = managed('build', 'build-image');
  const combination = 'InvalidParameterCombinationException';
  const cases: readonly [readonly object[], string, RegExp][] = [
    [[{ workflowArn: build }, { workflowArn: build }], combination, /'workflows'.*at most one workflow of type BUILD/],
    [[{ workflowArn: build, parallelGroup: 'g' }], combination, /workflows\[0\]\.parallelGroup.*type TEST/],
    [[{ workflowArn: build, onFailure: 'CONTINUE' }], combination, /workflows\[0\]\.onFailure.*CONTINUE is for/],
    [[{ workflowArn: strict }], combination, /workflows\[0\]\.parameters'.*'count' has no default/],
    [
      [
        {
          workflowArn: strict,
          parameters: [
            { name: 'count', value: ['many'] },
            { name: 'nope', value: ['x'] },
          ],
        },
      ],
      combination,
      /parameters\[0\].*'count' is an integer, not 'many'.*no parameter 'nope'; it has: count, yes/s,
    ],
    [[{ workflowArn: reader }], combination, /reads \$\.workflowOutputs\.Machine/],
    [
      [
        { workflowArn: writer, parallelGroup: 'g' },
        { workflowArn: reader, parallelGroup: 'g' },
      ],
      combination,
      /reads \$\.workflowOutputs\.Machine/,
    ],
    [[{ workflowArn: writer }, { workflowArn: writer }], combination, /output 'Machine' is also one of workflows\[0\]/],
    [[{ workflowArn: `${ARN_PREFIX}workflow/test/none/1.0.0` }], 'ResourceNotFoundException', /workflows\[0\]/],
    [Array.from({ length: 11 }, () => ({ workflowArn: writer })), 'InvalidParameterValueException', /At most 10/],
  ];
  for (const [workflows, name, message] of cases) {
    const request = { ...parts, workflows: workflows as never, executionRole: ROLE };
    await assert.rejects(whole.call.CreateImage({ ...request, ...token() }), { name, message });
    await assert.rejects(whole.call.CreateImagePipeline({ name: 'p', ...request, ...token() }), { name, message });
  }
  await assert.rejects(whole.call.CreateImage({ ...parts, workflows: [{ workflowArn: build }], ...token() }), {
    name: combination,
    message: /'executionRole'/,
  });
});

test('a pipeline keeps its workflows as written, runs them, and keeps them from being deleted', async () => {
  const check = await whole.workflow('of-pipeline', 'TEST', `steps:\n${LAUNCH}${END}`);
  const parts = await whole.definitions();
  const workflowArn = check.replace(/1\.0\.0\/1$/, '1.x.x');
  const workflows = [{ workflowArn: managed('build', 'build-image') }, { workflowArn, onFailure: 'CONTINUE' as const }];
  const { imagePipelineArn = '' } = await whole.call.CreateImagePipeline({
    ...{ name: 'piped', ...parts, workflows, executionRole: ROLE, ...token() },
  });
  const { imagePipeline } = await whole.call.GetImagePipeline({ imagePipelineArn });
  assert.deepEqual(imagePipeline?.workflows, workflows);
  assert.equal(imagePipeline?.executionRole, ROLE);
  await assert.rejects(whole.call.DeleteWorkflow({ workflowBuildVersionArn: check }), {
    name: 'ResourceDependencyException',
  });
  const { imageBuildVersionArn: arn = '' } = await whole.call.StartImagePipelineExecution({
    ...{ imagePipelineArn, ...token() },
  });
  await whole.call.DeleteImagePipeline({ imagePipelineArn });
  await assert.rejects(whole.call.DeleteWorkflow({ workflowBuildVersionArn: check }), {
    name: 'ResourceDependencyException',
  });
  await whole.work(arn);
  assert.deepEqual(await whole.bench.workflows(arn), ['build-image COMPLETED', 'of-pipeline COMPLETED']);
  await whole.call.DeleteWorkflow({ workflowBuildVersionArn: check });
});
