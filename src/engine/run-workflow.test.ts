import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseWorkflow } from '../documents/parse-workflow.ts';
import { parameterValues } from '../documents/workflow-parameters.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { setImageStatus } from '../state/transitions/set-image-status.ts';
import { BuildFailure } from '../util/faults.ts';
import { silentMonitor } from '../util/monitor.ts';
import type { BuildProgress } from './build-run.ts';
import { WorkflowFailed } from './failure.ts';
import { loadPlan } from './load-plan.ts';
import { runWorkflow } from './run-workflow.ts';
import { type BuildBench, openBench } from './simulated/build-bench.ts';
import type { WorkflowOutputs } from './workflow-outputs.ts';

let bench: BuildBench;
before(async () => {
  bench = await openBench();
});
after(async () => {
  await bench[Symbol.asyncDispose]();
});

const signal = new AbortController().signal;
const LAUNCH = '  - name: Launch\n    action: LaunchInstance\n    inputs: { waitFor: ssmAgent }\n';
const END =
  '  - name: End\n    action: TerminateInstance\n    inputs: { instanceId.$: $.stepOutputs.Launch.instanceId }\n';

interface Walk {
  readonly arn: string;
  readonly outputs: WorkflowOutputs | undefined;
  readonly error: Error | undefined;
  readonly progress: BuildProgress;
}

/** Walks a BUILD workflow of these steps, for an image without components. */
async function walk(body: string): Promise<Walk> {
  const { engine } = bench;
  const text = `schemaVersion: 1.0\n${body}`;
  const document = parseWorkflow({ file: 'test.yaml', text, type: 'BUILD' });
  const arn = await bench.image();
  const claimed = await claimImage(engine.db, { imageArn: arn, workerId: 'w', at: new Date() });
  assert.ok(claimed !== undefined);
  const { claim, image } = claimed;
  await setImageStatus(engine.db, claim, 'BUILDING', new Date());
  const plan = await loadPlan(engine, image, { signal, monitor: silentMonitor });
  const progress: BuildProgress = {
    ...{ instances: new Map(), kept: new Set(), outputAmiId: undefined, osVersion: undefined },
  };
  const run = { engine, claim, plan, progress, monitorFor: () => silentMonitor };
  const { values: parameters } = parameterValues(document.parameters, []);
  const workflow = {
    arn: 'arn:aws:imagebuilder:us-east-1:123456789012:workflow/build/test/1.0.0/1',
    ...{ document, parameters, parallelGroup: undefined, onFailure: 'ABORT' as const },
  };
  try {
    const place = { position: 0, record: undefined };
    return { arn, outputs: await runWorkflow(run, workflow, place, {}, signal), error: undefined, progress };
  } catch (error) {
    assert.ok(error instanceof Error);
    return { arn, outputs: undefined, error, progress };
  }
}

async function step(arn: string, name: string) {
  const steps = bench.store.db.selectFrom('workflow_step_executions').selectAll().where('image_arn', '=', arn);
  return steps.where('name', '=', name).executeTakeFirstOrThrow();
}

test('outputs go from step to step and out of the workflow; those of skipped steps are left out', async () => {
  const { arn, outputs, error } = await walk(`parameters:
  - name: wanted
    type: boolean
    default: false
steps:
${LAUNCH}
  - name: Collect
    action: CollectImageMetadata
    if: { booleanEquals: true, value: $.parameters.wanted }
    inputs: { instanceId.$: $.stepOutputs.Launch.instanceId }
${END}
outputs:
  - name: Id
    value: $.stepOutputs.Launch.instanceId
  - name: Text
    value: 'id {{ $.stepOutputs.Launch.instanceId }}'
  - name: Os
    value: $.stepOutputs.Collect.osVersion
`);
  assert.ifError(error);
  const { outputs: launched } = await step(arn, 'Launch');
  const id = launched?.['instanceId'];
  assert.deepEqual(launched, { instanceId: id, imageId: 'ami-00000000000000001' });
  assert.deepEqual(outputs, { Id: id, Text: `id ${id}` });
  assert.deepEqual((await step(arn, 'End')).inputs, { instanceId: id });
  assert.equal((await step(arn, 'Collect')).status, 'SKIPPED');
});

test('an instance with types of the workflow’s own is on record with these', async () => {
  const launch = LAUNCH.replace('waitFor: ssmAgent', 'waitFor: ssmAgent, instanceTypesOverride: [t3.small]');
  const { arn } = await walk(`steps:\n${launch}${END}`);
  assert.deepEqual((await step(arn, 'Launch')).outputs?.['instanceTypes'], ['t3.small']);
  assert.deepEqual(bench.host.launches.at(-1)?.instanceTypes, ['t3.small']);
});

test('a step that takes longer than its timeout fails with the last lines it said, and what it made is gone', async () => {
  bench.host.faults.launch = (_, { signal: aborted }) =>
    new Promise((_resolve, reject) => aborted.addEventListener('abort', () => reject(new Error('aborted'))));
  const launch = LAUNCH.replace('inputs:', 'timeoutSeconds: 1\n    inputs:');
  const { arn, error, progress } = await walk(`steps:\n${launch}`);
  delete bench.host.faults.launch;
  assert.ok(error instanceof WorkflowFailed);
  const { status, message } = await step(arn, 'Launch');
  assert.equal(status, 'FAILED');
  assert.match(message ?? '', /^timed out after 1 s \| .*\| simulated kernel$/);
  assert.equal(progress.instances.size, 0);
  assert.deepEqual(await bench.host.list(), []);
});

test('a step is tried again as often as its document says', async () => {
  let launches = 0;
  bench.host.faults.launch = async () => {
    launches++;
    if (launches < 3) throw new BuildFailure('not this time');
  };
  const retried = (attempts: number): string =>
    `steps:\n${LAUNCH.replace('inputs:', `retry: { maxAttempts: ${attempts}, backoffSeconds: 0 }\n    inputs:`)}${END}`;
  const good = await walk(retried(3));
  assert.ifError(good.error);
  const { attempt_number: attempt, max_attempts: most, status } = await step(good.arn, 'Launch');
  assert.deepEqual([attempt, most, status], [3, 3, 'COMPLETED']);
  launches = 0;
  const bad = await walk(retried(2));
  delete bench.host.faults.launch;
  assert.match(bad.error?.message ?? '', /not this time/);
  assert.equal((await step(bad.arn, 'Launch')).attempt_number, 2);
});

test('the timeout of a step counts for each attempt anew, and an attempt that failed leaves no instance', async () => {
  let launches = 0;
  bench.host.faults.launch = (_, { signal: aborted }) =>
    launches++ > 0
      ? Promise.resolve()
      : new Promise((_resolve, reject) => aborted.addEventListener('abort', () => reject(aborted.reason)));
  const keys = 'timeoutSeconds: 1\n    retry: { maxAttempts: 2, backoffSeconds: 0 }\n    inputs:';
  const { arn, error, progress } = await walk(`steps:\n${LAUNCH.replace('inputs:', keys)}`);
  delete bench.host.faults.launch;
  assert.ifError(error);
  const { status, attempt_number: attempt, outputs } = await step(arn, 'Launch');
  assert.deepEqual([status, attempt], ['COMPLETED', 2]);
  const here = (await bench.host.list()).map(({ instanceId }) => instanceId);
  assert.deepEqual(here, [outputs?.['instanceId']]);
  for (const instanceId of progress.instances.keys()) await bench.host.terminate(instanceId);
});

test('a step waits its waitSeconds within its timeout, and its backoffSeconds between attempts', async () => {
  const at: number[] = [];
  let left: number | undefined;
  bench.host.faults.launch = async ({ timeoutSeconds }) => {
    at.push(performance.now());
    left = timeoutSeconds;
    if (at.length === 1) throw new BuildFailure('not this time');
  };
  const keys = 'timeoutSeconds: 60\n    waitSeconds: 1\n    retry: { maxAttempts: 2, backoffSeconds: 1 }\n    inputs:';
  const begin = performance.now();
  const { error } = await walk(`steps:\n${LAUNCH.replace('inputs:', keys)}${END}`);
  delete bench.host.faults.launch;
  assert.ifError(error);
  const [first = 0, second = 0] = at;
  // Timers may be early by a part of a millisecond. How late they are is not looked at.
  assert.ok(first - begin > 995, 'waitSeconds');
  assert.ok(second - first > 1990, 'backoffSeconds and waitSeconds');
  assert.ok(left !== undefined && left < 60, 'what was waited is not there for the launch');
});

test('a step whose input has no value fails, and the workflow is rolled back', async () => {
  const never = LAUNCH.replace('Launch', 'Other').replace('inputs:', 'if: { stringEquals: a, value: b }\n    inputs:');
  const end = END.replace('stepOutputs.Launch', 'stepOutputs.Other');
  const during: unknown[] = [];
  bench.host.faults.terminate = async () => {
    const { db } = bench.store;
    const workflows = await db.selectFrom('workflow_executions').select('status').execute();
    const steps = await db.selectFrom('workflow_step_executions').select('rollback_status').execute();
    during.push(...workflows.map(({ status }) => status).filter((status) => status === 'ROLLBACK_IN_PROGRESS'));
    during.push(...steps.map((row) => row.rollback_status).filter((status) => status === 'RUNNING'));
  };
  const { arn, error, progress } = await walk(`steps:\n${LAUNCH}${never}${end}`);
  delete bench.host.faults.terminate;
  assert.deepEqual(during, ['ROLLBACK_IN_PROGRESS', 'RUNNING']);
  assert.match(error?.message ?? '', /\$\.stepOutputs\.Other\.instanceId has no value: step Other did not run/);
  assert.deepEqual(await bench.steps(arn), ['Launch COMPLETED', 'Other SKIPPED', 'End FAILED']);
  assert.equal((await step(arn, 'Launch')).rollback_status, 'COMPLETED');
  assert.equal(progress.instances.size, 0);
});

test('a step that is not to be rolled back keeps its instance', async () => {
  const launch = LAUNCH.replace('inputs:', 'rollbackEnabled: false\n    inputs:');
  const end = END.replace('$: $.stepOutputs.Launch.instanceId', 'x').replace('instanceId.x', 'instanceId: i-nope');
  const { arn, progress } = await walk(`steps:\n${launch}${end}`);
  assert.equal((await step(arn, 'Launch')).rollback_status, 'SKIPPED');
  assert.deepEqual([...progress.kept], [...progress.instances.keys()]);
  assert.equal(progress.kept.size, 1);
  for (const instanceId of progress.kept) await bench.host.terminate(instanceId);
});

test('rollbackEnabled may be a parameter', async () => {
  const end = END.replace('$: $.stepOutputs.Launch.instanceId', 'x').replace('instanceId.x', 'instanceId: i-nope');
  const launch = LAUNCH.replace('inputs:', 'rollbackEnabled: $.parameters.undo\n    inputs:');
  for (const [undo, status] of [
    [true, 'COMPLETED'],
    [false, 'SKIPPED'],
  ] as const) {
    const parameter = `parameters:\n  - { name: undo, type: boolean, default: ${undo} }\n`;
    const { arn, progress } = await walk(`${parameter}steps:\n${launch}${end}`);
    assert.equal((await step(arn, 'Launch')).rollback_status, status);
    assert.equal(progress.kept.size, undo ? 0 : 1);
    for (const instanceId of progress.kept) await bench.host.terminate(instanceId);
  }
});

test('what is taken back is taken back the last first; a rollback that fails keeps no other from being done', async () => {
  const second = LAUNCH.replace('Launch', 'Second');
  const third = LAUNCH.replace('Launch', 'Third');
  const end = END.replace('$: $.stepOutputs.Launch.instanceId', 'x').replace('instanceId.x', 'instanceId: i-nope');
  const ended: string[] = [];
  let isBroken = true;
  bench.host.faults.terminate = async (instanceId) => {
    ended.push(instanceId);
    if (isBroken && ended.length === 2) throw new Error('busy');
  };
  const { arn, progress } = await walk(`steps:\n${LAUNCH}${second}${third}${end}`);
  isBroken = false;
  const rows = await Promise.all(['Third', 'Second', 'Launch'].map((name) => step(arn, name)));
  assert.deepEqual(
    ended.slice(0, 3),
    rows.map(({ outputs }) => outputs?.['instanceId']),
  );
  assert.deepEqual(
    rows.map(({ rollback_status: status }) => status),
    ['COMPLETED', 'FAILED', 'COMPLETED'],
  );
  const { status } = await bench.store.db
    .selectFrom('workflow_executions')
    .select('status')
    .where('image_arn', '=', arn)
    .executeTakeFirstOrThrow();
  assert.equal(status, 'FAILED', 'not all was taken back');
  for (const instanceId of progress.instances.keys()) await bench.host.terminate(instanceId);
  delete bench.host.faults.terminate;
});

test('every system variable has its value, and one of a thing that Kiln has not fails the step that uses it', async () => {
  const names = [
    ...['cloudWatchLogGroup', 'cloudWatchLogStream', 'collectImageMetadata', 'collectImageScanFindings'],
    ...[
      'imageBuildNumber',
      'imageId',
      'imageName',
      'imageType',
      'imageVersionNumber',
      'instanceProfileName',
      'platform',
    ],
    ...['sourceImageARN', 'terminateInstanceOnFailure', 'workflowPhase', 'workingDirectory'],
  ];
  const outputs = names.map((name) => `  - { name: ${name}, value: $.imagebuilder.${name} }\n`).join('');
  const good = await walk(`steps:\n${LAUNCH}${END}outputs:\n${outputs}`);
  assert.ifError(good.error);
  const row = await bench.row(good.arn);
  assert.deepEqual(good.outputs, {
    cloudWatchLogGroup: `/aws/imagebuilder/${row.name}`,
    cloudWatchLogStream: '1.0.0/1',
    collectImageMetadata: row.enhanced_image_metadata_enabled,
    collectImageScanFindings: false,
    imageBuildNumber: 1,
    imageId: 'ami-00000000000000001',
    imageName: row.name,
    imageType: 'AMI',
    imageVersionNumber: '1.0.0',
    instanceProfileName: '',
    platform: 'Linux',
    sourceImageARN: good.arn,
    terminateInstanceOnFailure: true,
    workflowPhase: 'Build',
    workingDirectory: row.image_recipe['workingDirectory'],
  });
  const subnet = LAUNCH.replace('inputs:', 'if: { stringEquals: x, value: $.imagebuilder.subnetId }\n    inputs:');
  const bad = await walk(`steps:\n${subnet}`);
  assert.match(bad.error?.message ?? '', /\$\.imagebuilder\.subnetId has no value/);
});

test('an override boots another AMI, and one that is not there fails the step', async () => {
  const launch = LAUNCH.replace('waitFor: ssmAgent', 'waitFor: ssmAgent, imageIdOverride: ami-0000000000000dead');
  const { error } = await walk(`steps:\n${launch}`);
  assert.match(error?.message ?? '', /There is no AMI 'ami-0000000000000dead' \(imageIdOverride\)/);
});
