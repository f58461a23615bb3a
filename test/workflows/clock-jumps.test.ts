import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { script } from '../../src/engine/simulated/build-bench.ts';
import { nextBuilds } from '../../src/state/workers.ts';
import { openWholeService, token, type WholeService } from './whole-service.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Of API and workers, against the database's, which is another machine's. */
let ahead = 0;
/** Added with each look at the clock. */
let jumps: readonly number[] = [0];
let looks = 0;
let whole: WholeService;
before(async () => {
  const clock = { now: () => new Date(Date.now() + ahead + (jumps[looks++ % jumps.length] ?? 0)) };
  whole = await openWholeService({ clock });
});
after(async () => {
  await whole[Symbol.asyncDispose]();
});
beforeEach(() => {
  ahead = 0;
  jumps = [0];
});

const GATE = `steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - { name: Gate, action: WaitForAction, timeoutSeconds: 3600 }
  - { name: Capture, action: CreateImage, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
  - { name: End, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
`;
let workflowArn = '';

async function parked(): Promise<string> {
  workflowArn ||= await whole.workflow('gate', 'BUILD', GATE);
  const arn = await whole.image([{ workflowArn }], { imageTestsEnabled: false });
  await whole.work(arn);
  return arn;
}

async function resume(arn: string): Promise<void> {
  const { steps = [] } = await whole.call.ListWaitingWorkflowSteps({});
  const stepExecutionId = steps.find(({ imageBuildVersionArn }) => imageBuildVersionArn === arn)?.stepExecutionId ?? '';
  await whole.call.SendWorkflowStepAction({
    ...{ imageBuildVersionArn: arn, stepExecutionId, action: 'RESUME', ...token() },
  });
}

async function isQueued(arn: string): Promise<boolean> {
  return (await nextBuilds(whole.bench.store.db, { place: 'bench', except: [], limit: 100 })).some(
    (image) => image.arn === arn,
  );
}

async function statusOf(arn: string): Promise<string> {
  const { status, reason } = await whole.bench.row(arn);
  return `${status} ${reason ?? ''}`.trim();
}

test('a clock that is put back after RESUME does not keep the build waiting', async () => {
  const arn = await parked();
  await resume(arn);
  ahead = -DAY;
  assert.ok(await isQueued(arn));
  await whole.workAnew(arn);
  assert.equal(await statusOf(arn), 'AVAILABLE');
});

test('a clock that jumps ahead ends no wait: it is still answered', async () => {
  const arn = await parked();
  ahead = 4 * DAY;
  await whole.bench.store.jobs.enqueue(whole.bench.store.db, arn);
  await whole.workAnew(arn);
  assert.match(await statusOf(arn), /^BUILDING/);
  await resume(arn);
  await whole.workAnew(arn);
  assert.equal(await statusOf(arn), 'AVAILABLE');
});

test('nor does one of two waits end when the other one was answered and the clock has jumped', async () => {
  const body = 'steps:\n  - { name: Gate, action: WaitForAction, timeoutSeconds: 3600 }\n';
  const tests = await Promise.all(['left', 'right'].map((name) => whole.workflow(name, 'TEST', body)));
  const arn = await whole.image(tests.map((test) => ({ workflowArn: test, parallelGroup: 'gates' })));
  await whole.work(arn);
  ahead = 4 * DAY;
  await resume(arn);
  await whole.workAnew(arn);
  assert.deepEqual((await whole.steps(arn)).toSorted(), ['Gate COMPLETED', 'Gate RUNNING']);
  await resume(arn);
  await whole.workAnew(arn);
  assert.equal(await statusOf(arn), 'AVAILABLE');
});

test('nor does it keep a parked build from being cancelled', async () => {
  const arn = await parked();
  await whole.call.CancelImageCreation({ imageBuildVersionArn: arn, ...token() });
  ahead = -DAY;
  await whole.workAnew(arn);
  assert.match(await statusOf(arn), /^CANCELLED/);
});

test('nor a retry from being taken', async () => {
  const components = [script({ build: 'true', test: 'exit 1' })];
  const arn = await whole.image([], { components });
  await whole.work(arn);
  assert.match(await statusOf(arn), /^FAILED/);
  await whole.call.RetryImage({ imageBuildVersionArn: arn, ...token() });
  ahead = -DAY;
  await whole.workAnew(arn);
  const { workflowExecutions = [] } = await whole.call.ListWorkflowExecutions({ imageBuildVersionArn: arn });
  assert.equal(workflowExecutions.length, 3, 'tested again');
});

test('a worker whose clock is behind the database’s does not take a parked build over and over', async () => {
  ahead = -DAY;
  const arn = await parked();
  assert.equal(await isQueued(arn), false);
  await whole.bench.store.jobs.enqueue(whole.bench.store.db, arn);
  await whole.work(arn);
  assert.match(await statusOf(arn), /^BUILDING/);
  assert.equal(await isQueued(arn), false);
});

test('a build goes its way through a clock that jumps a day back and forth, and its records stay sane', async () => {
  jumps = [0, DAY, -DAY, 3 * DAY, HOUR];
  const components = [script({ build: 'echo built', validate: 'true', test: 'true' })];
  const arn = await whole.image([], { components });
  await whole.work(arn);
  jumps = [0];
  assert.equal(await statusOf(arn), 'AVAILABLE');
  const events = await whole.bench.store.db
    .selectFrom('events')
    .select('detail')
    .where('image_arn', '=', arn)
    .where('type', '=', 'step')
    .execute();
  const seconds = events.map(({ detail }) => detail['seconds']).filter((value) => value !== undefined);
  assert.ok(seconds.length > 0);
  assert.deepEqual(
    seconds.filter((value) => typeof value !== 'number' || value < 0),
    [],
  );
});
