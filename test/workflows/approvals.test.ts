import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { resumeImage } from '../../src/state/transitions/resume-image.ts';
import { retryStep } from '../../src/state/transitions/retry-step.ts';
import { BuildFailure } from '../../src/util/faults.ts';
import { managed, openWholeService, token, type WholeService } from './whole-service.ts';

let now = new Date('2026-11-23T10:00:00.000Z');
let whole: WholeService;
const invoked: { name: string; event: Record<string, unknown> }[] = [];
before(async () => {
  const functions = {
    invoke: async (name: string, event: string) => {
      if (name === 'broken') throw new BuildFailure("The function 'broken' did not answer within 3 s");
      invoked.push({ name, event: JSON.parse(event) as Record<string, unknown> });
    },
    call: async () => 'null',
  };
  whole = await openWholeService({ clock: { now: () => now }, engine: { functions } });
});
after(async () => {
  await whole[Symbol.asyncDispose]();
});

const GATED_BUILD = `steps:
  - { name: Launch, action: LaunchInstance, inputs: { waitFor: ssmAgent } }
  - name: Gate
    action: WaitForAction
    timeoutSeconds: 3600
    inputs:
      lambdaFunctionName: tell
      payload: '{"machine": "{{ $.stepOutputs.Launch.instanceId }}"}'
  - { name: Capture, action: CreateImage, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
  - { name: End, action: TerminateInstance, inputs: { instanceId.$: $.stepOutputs.Launch.instanceId } }
outputs:
  - { name: Why, value: $.stepOutputs.Gate.reason }
`;

let gated = '';
/** An image whose build waits between launch and capture, worked until it waits. */
async function waiting(body = GATED_BUILD): Promise<{ arn: string; stepExecutionId: string }> {
  if (body === GATED_BUILD) gated ||= await whole.workflow('gated', 'BUILD', body);
  const workflowArn = body === GATED_BUILD ? gated : await whole.workflow(`gated-${now.getTime()}`, 'BUILD', body);
  const arn = await whole.image([{ workflowArn }]);
  await whole.work(arn);
  return { arn, stepExecutionId: await waitOf(arn) };
}

async function waitOf(arn: string): Promise<string> {
  const { steps = [] } = await whole.call.ListWaitingWorkflowSteps({});
  const step = steps.find(({ imageBuildVersionArn }) => imageBuildVersionArn === arn);
  assert.ok(step?.stepExecutionId !== undefined, 'the step is listed');
  return step.stepExecutionId;
}

/** Time goes by for an image that waits. */
async function pass(arn: string, seconds: number): Promise<void> {
  const { db } = whole.bench.store;
  const earlier = (column: string) => sql<Date>`${sql.ref(column)} - ${seconds}::float8 * interval '1 second'`;
  await db
    .updateTable('waiting_steps')
    .set({ deadline: earlier('deadline') })
    .where('image_arn', '=', arn)
    .execute();
  await db
    .updateTable('images')
    .set({ parked_until: earlier('parked_until') })
    .where('arn', '=', arn)
    .execute();
}

const answer = (arn: string, stepExecutionId: string, action: 'RESUME' | 'STOP', reason?: string) =>
  whole.call.SendWorkflowStepAction({
    ...{ imageBuildVersionArn: arn, stepExecutionId, action, ...token() },
    ...(reason === undefined ? {} : { reason }),
  });

test('a build waits without a worker, and goes on in another process when it is told to', async () => {
  const { arn, stepExecutionId } = await waiting();
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'BUILDING');
  assert.equal(row.worker_id, null, 'nobody has it');
  const left = (row.parked_until?.getTime() ?? 0) - Date.now();
  assert.ok(left > 3_540_000 && left <= 3_600_000, 'by the clock of the database, which is this machine’s');
  assert.deepEqual(await whole.steps(arn), ['Launch COMPLETED', 'Gate RUNNING', 'Capture PENDING', 'End PENDING']);
  const { steps = [] } = await whole.call.ListWaitingWorkflowSteps({});
  const listed = steps.find((step) => step.stepExecutionId === stepExecutionId);
  assert.deepEqual(
    [listed?.name, listed?.action, listed?.workflowBuildVersionArn, listed?.startTime],
    ['Gate', 'WaitForAction', gated, now.toISOString()],
  );
  const [machine] = (await whole.bench.host.list()).filter(({ owner }) => owner === arn);
  assert.ok(machine?.running, 'its instance runs on');

  // Somebody who comes too early leaves it as it is.
  await whole.work(arn);
  assert.deepEqual(await whole.bench.row(arn), { ...row, queued_from: (await whole.bench.row(arn)).queued_from });

  now = new Date(now.getTime() + 60_000);
  await answer(arn, stepExecutionId, 'RESUME', 'looks good');
  assert.equal(whole.bench.host.launches.filter(({ owner }) => owner === arn).length, 1);
  await whole.workAnew(arn);
  const done = await whole.bench.row(arn);
  assert.equal(done.status, 'AVAILABLE', done.reason ?? '');
  assert.deepEqual(await whole.steps(arn), [
    'Launch COMPLETED',
    'Gate COMPLETED',
    'Capture COMPLETED',
    'End COMPLETED',
  ]);
  const step = await whole.call.GetWorkflowStepExecution({ stepExecutionId });
  assert.deepEqual(JSON.parse(step.outputs ?? ''), { action: 'RESUME', reason: 'looks good' });
  assert.equal(whole.bench.host.launches.filter(({ owner }) => owner === arn).length, 1, 'launched once');
  assert.deepEqual(
    (await whole.bench.host.list()).filter(({ owner }) => owner === arn),
    [],
  );

  const told = invoked.filter(({ event }) => event['imageArn'] === arn);
  assert.equal(told.length, 1);
  assert.equal(told[0]?.name, 'tell');
  assert.deepEqual(told[0]?.event, {
    ...{ imageArn: arn, workflowArn: gated, workflowExecutionId: step.workflowExecutionId },
    ...{ workflowStepExecutionId: stepExecutionId, workflowStepName: 'Gate', payload: { machine: machine.instanceId } },
  });
});

test('a second attempt asks anew, also when its worker was lost before it had asked', async () => {
  const { db, jobs } = whole.bench.store;
  const { arn, stepExecutionId } = await waiting(
    GATED_BUILD.replace('timeoutSeconds', 'retry: { maxAttempts: 2, backoffSeconds: 0 }\n    timeoutSeconds'),
  );
  await answer(arn, stepExecutionId, 'STOP', 'not yet');
  const lost = await resumeImage(db, { imageArn: arn, workerId: 'worker-1', place: 'bench' });
  assert.ok(lost !== undefined && 'claim' in lost);
  await retryStep(db, lost.claim, { stepExecutionId, attemptNumber: 2, at: now });
  await jobs.enqueue(db, arn);
  await whole.workAnew(arn);
  assert.equal(await waitOf(arn), stepExecutionId, 'it waits');
  await answer(arn, stepExecutionId, 'RESUME');
  await whole.workAnew(arn);
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE', (await whole.bench.row(arn)).reason ?? '');
});

test('STOP fails the step with its reason, and what was made is taken back', async () => {
  const { arn, stepExecutionId } = await waiting();
  await answer(arn, stepExecutionId, 'STOP', 'not today');
  await whole.workAnew(arn);
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'FAILED');
  assert.match(row.reason ?? '', /Step Gate \(WaitForAction\) failed: Somebody said STOP: not today/);
  assert.equal(row.failure_context?.['failedStep'], 'Gate');
  const step = await whole.call.GetWorkflowStepExecution({ stepExecutionId });
  assert.deepEqual(JSON.parse(step.outputs ?? ''), { action: 'STOP', reason: 'not today' });
  assert.deepEqual(await whole.bench.workflows(arn), [`${gated.split('/').at(-3)} ROLLBACK_COMPLETED`]);
  assert.deepEqual(
    (await whole.bench.host.list()).filter(({ owner }) => owner === arn),
    [],
  );
});

test('with onFailure Continue, STOP fails the step alone', async () => {
  const body = GATED_BUILD.replace('timeoutSeconds: 3600', 'timeoutSeconds: 3600\n    onFailure: Continue');
  const { arn, stepExecutionId } = await waiting(body.replace(/outputs:[\s\S]*/, ''));
  await answer(arn, stepExecutionId, 'STOP');
  await whole.workAnew(arn);
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE');
  assert.ok((await whole.steps(arn)).includes('Gate FAILED'));
});

test('nobody answers: the step fails when its time is over, and not before', async () => {
  const { arn, stepExecutionId } = await waiting();
  await pass(arn, 3_540);
  await whole.workAnew(arn);
  assert.ok((await whole.steps(arn)).includes('Gate RUNNING'));
  await pass(arn, 60);
  await assert.rejects(answer(arn, stepExecutionId, 'RESUME'), { name: 'InvalidRequestException' });
  await whole.workAnew(arn);
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'FAILED');
  assert.match(row.reason ?? '', /Nobody said RESUME or STOP within 3600 s/);
});

test('of RESUME and STOP at once exactly one is heard, and a repeated request is the same one', async () => {
  for (let round = 0; round < 5; round++) {
    const { arn, stepExecutionId } = await waiting();
    const settled = await Promise.allSettled([
      answer(arn, stepExecutionId, 'RESUME'),
      answer(arn, stepExecutionId, 'STOP'),
    ]);
    const [refused, ...others] = settled.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    assert.equal(others.length, 0);
    assert.equal((refused?.reason as Error | undefined)?.name, 'InvalidRequestException');
    await whole.workAnew(arn);
    const resumed = settled[0]?.status === 'fulfilled';
    assert.equal((await whole.bench.row(arn)).status, resumed ? 'AVAILABLE' : 'FAILED');
  }
  const { arn, stepExecutionId } = await waiting();
  const request = { imageBuildVersionArn: arn, stepExecutionId, action: 'STOP' as const, clientToken: `same-${arn}` };
  const expected = { stepExecutionId, imageBuildVersionArn: arn, clientToken: request.clientToken };
  assert.deepEqual(await whole.call.SendWorkflowStepAction(request), expected);
  assert.deepEqual(await whole.call.SendWorkflowStepAction(request), expected);
  await whole.workAnew(arn);
});

test('an image that waits is cancelled like any other, and nothing of it is left', async () => {
  const { arn, stepExecutionId } = await waiting();
  await whole.call.CancelImageCreation({ imageBuildVersionArn: arn, ...token() });
  await assert.rejects(answer(arn, stepExecutionId, 'RESUME'), { name: 'InvalidRequestException' });
  await whole.workAnew(arn);
  assert.equal((await whole.bench.row(arn)).status, 'CANCELLED');
  assert.deepEqual(await whole.steps(arn), [
    'Launch COMPLETED',
    'Gate CANCELLED',
    'Capture CANCELLED',
    'End CANCELLED',
  ]);
  assert.deepEqual(
    (await whole.bench.host.list()).filter(({ owner }) => owner === arn),
    [],
  );
  const { steps = [] } = await whole.call.ListWaitingWorkflowSteps({});
  assert.equal(
    steps.some((step) => step.imageBuildVersionArn === arn),
    false,
  );
});

test('answers to steps that do not wait are refused by what is wrong with them', async () => {
  const { arn, stepExecutionId } = await waiting();
  const { arn: other } = await waiting();
  const none = 'step-00000000-0000-4000-8000-000000000000';
  await assert.rejects(answer(arn, none, 'RESUME'), { name: 'ResourceNotFoundException' });
  await assert.rejects(answer(other, stepExecutionId, 'RESUME'), { name: 'InvalidParameterValueException' });
  const { workflowExecutions = [] } = await whole.call.ListWorkflowExecutions({ imageBuildVersionArn: arn });
  const { steps = [] } = await whole.call.ListWorkflowStepExecutions({
    workflowExecutionId: workflowExecutions[0]?.workflowExecutionId ?? '',
  });
  await assert.rejects(answer(arn, steps[0]?.stepExecutionId ?? '', 'STOP'), {
    name: 'InvalidRequestException',
    message: /LaunchInstance in status COMPLETED/,
  });
});

test('in a group the others go on while one waits, and a retried wait waits anew', async () => {
  const gate = await whole.workflow(
    'gate-of-group',
    'TEST',
    'steps:\n  - { name: Ask, action: WaitForAction, retry: { maxAttempts: 2, backoffSeconds: 0 } }\n',
  );
  const arn = await whole.image([
    { workflowArn: managed('build', 'build-image') },
    { workflowArn: gate, parallelGroup: 'g' },
    { workflowArn: managed('test', 'test-image'), parallelGroup: 'g' },
  ]);
  await whole.work(arn);
  assert.deepEqual(await whole.bench.workflows(arn), [
    'build-image COMPLETED',
    'gate-of-group RUNNING',
    'test-image COMPLETED',
  ]);
  const stepExecutionId = await waitOf(arn);
  await answer(arn, stepExecutionId, 'STOP');
  await whole.workAnew(arn);
  assert.equal(await waitOf(arn), stepExecutionId, 'the second attempt waits');
  assert.equal((await whole.call.GetWorkflowStepExecution({ stepExecutionId })).attemptNumber, 2);
  await answer(arn, stepExecutionId, 'RESUME');
  await whole.workAnew(arn);
  assert.equal((await whole.bench.row(arn)).status, 'AVAILABLE');
});

test('a function that cannot be invoked fails the step, and so does a topic that is not there', async () => {
  const cases: readonly [string, RegExp][] = [
    [
      'lambdaFunctionName: broken',
      /Step Ask \(WaitForAction\) failed: The function 'broken' did not answer within 3 s/,
    ],
    [
      "snsTopicArn: 'arn:aws:sns:us-east-1:123456789012:none'",
      /There is no topic 'arn:aws:sns:us-east-1:123456789012:none'/,
    ],
    ['payload: \'{"a": {{ $.parameters.text }}}\'', /'payload' is not JSON/],
  ];
  for (const [inputs, reason] of cases) {
    now = new Date(now.getTime() + 1000);
    const workflowArn = await whole.workflow(
      `bad-${now.getTime()}`,
      'TEST',
      `parameters:\n  - { name: text, default: 'x y' }\nsteps:\n  - name: Ask\n    action: WaitForAction\n    inputs: { ${inputs} }\n`,
    );
    const arn = await whole.image([{ workflowArn: managed('build', 'build-image') }, { workflowArn }]);
    await whole.work(arn);
    assert.match((await whole.bench.row(arn)).reason ?? '', reason);
    const { steps = [] } = await whole.call.ListWaitingWorkflowSteps({});
    assert.equal(
      steps.some((step) => step.imageBuildVersionArn === arn),
      false,
      'nobody is asked',
    );
  }
});

test('that a step waits is an event, and a message to its topic, written with the wait', async () => {
  const { db } = whole.bench.store;
  const arn = 'arn:aws:sns:us-east-1:123456789012:releases';
  const owner = { account_id: '123456789012', region: 'us-east-1' };
  await db
    .insertInto('topics')
    .values({ arn, ...owner, name: 'releases', created_at: now })
    .execute();
  const workflowArn = await whole.workflow(
    'tells-topic',
    'TEST',
    `steps:\n  - { name: Ask, action: WaitForAction, inputs: { snsTopicArn: '${arn}', payload: '[1]' } }\n`,
  );
  const image = await whole.image([{ workflowArn: managed('build', 'build-image') }, { workflowArn }]);
  await whole.work(image);
  const stepExecutionId = await waitOf(image);
  const rows = await db.selectFrom('outbox').selectAll().where('about', '=', image).orderBy('id').execute();
  const message = rows.find(({ kind }) => kind === 'message');
  assert.equal(message?.topic_arn, arn);
  const told = JSON.parse(String(message?.body['message'])) as Record<string, unknown>;
  assert.deepEqual(
    [told['workflowStepExecutionId'], told['payload'], told['workflowStepName']],
    [stepExecutionId, [1], 'Ask'],
  );
  const event = rows.find(({ body }) => body['detail-type'] === 'EC2 Image Builder Workflow Step Waiting');
  const detail = event?.body['detail'] as Record<string, unknown> | undefined;
  assert.equal(detail?.['workflow-step-execution-id'], stepExecutionId);
});

test('a wait that was cut short before its function was told goes on with telling it', async () => {
  const { arn, stepExecutionId } = await waiting();
  const { db } = whole.bench.store;
  invoked.splice(0);
  await db.updateTable('waiting_steps').set({ notified_at: null }).where('image_arn', '=', arn).execute();
  await db
    .updateTable('images')
    .set({ parked_until: new Date(0) })
    .where('arn', '=', arn)
    .execute();
  await whole.workAnew(arn);
  assert.deepEqual(
    invoked.map(({ event }) => event['workflowStepExecutionId']),
    [stepExecutionId],
  );
  assert.ok((await whole.steps(arn)).includes('Gate RUNNING'));
  assert.equal((await whole.bench.row(arn)).worker_id, null);
});

test('a build that cannot be gone on with fails, and its instances are ended all the same', async () => {
  const { arn, stepExecutionId } = await waiting(GATED_BUILD.replace('timeoutSeconds: 3600', 'timeoutSeconds: 1800'));
  const [workflow] = (await whole.bench.row(arn)).workflows ?? [];
  await whole.bench.store.db
    .deleteFrom('resources')
    .where('arn', '=', workflow?.workflowArn ?? '')
    .execute();
  await answer(arn, stepExecutionId, 'RESUME');
  await whole.workAnew(arn);
  const row = await whole.bench.row(arn);
  assert.equal(row.status, 'FAILED');
  assert.match(row.reason ?? '', /Workflow '.*' does not exist/);
  assert.deepEqual(
    (await whole.bench.host.list()).filter(({ owner }) => owner === arn),
    [],
  );
  assert.deepEqual(await whole.steps(arn), ['Launch COMPLETED', 'Gate FAILED', 'Capture PENDING', 'End PENDING']);
});
