import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { readEvents } from '../events.ts';
import type { Store } from '../open-store.ts';
import { stepTotals } from '../step-totals.ts';
import { AT, insertImage } from '../test-rows.ts';
import { openTestStore } from '../test-store.ts';
import { cancelSteps } from './cancel-steps.ts';
import type { ImageClaim } from './claim.ts';
import { claimImage } from './claim-image.ts';
import { completeStep } from './complete-step.ts';
import { failStep } from './fail-step.ts';
import { finishWorkflow } from './finish-workflow.ts';
import { retryStep } from './retry-step.ts';
import { setRollbackStatus } from './set-rollback-status.ts';
import { skipStep } from './skip-step.ts';
import { startStep } from './start-step.ts';
import { type PlannedStep, startWorkflowExecution } from './start-workflow-execution.ts';
import { takeOverImage } from './take-over-image.ts';

const LATER = new Date(AT.getTime() + 2_500);
const UNRESOLVED = { 'instanceId.$': '$.stepOutputs.Launch.instanceId' };

async function startWorkflow(store: Store, names: readonly string[]): Promise<ImageClaim> {
  const imageArn = await insertImage(store.db);
  const claimed = await claimImage(store.db, { imageArn, workerId: 'here', at: AT });
  assert.ok(claimed);
  await addWorkflow(store, claimed.claim, 'wf-1', names);
  return claimed.claim;
}

function addWorkflow(store: Store, claim: ImageClaim, id: string, names: readonly string[]): Promise<void> {
  const steps = names.map((name): PlannedStep => {
    const known = { name, action: 'ExecuteBash', inputs: UNRESOLVED, onFailure: 'Abort' as const, timeoutSeconds: 60 };
    return { id: `step-${id}-${name}`, ...known };
  });
  return startWorkflowExecution(store.db, claim, {
    id,
    workflowArn: 'arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.0/1',
    type: 'BUILD',
    position: Number(id.slice(3)),
    steps,
    at: AT,
  });
}

function stepRows(store: Store) {
  return store.db.selectFrom('workflow_step_executions').selectAll().orderBy('position').execute();
}

async function stepEvents(store: Store, imageArn: string): Promise<unknown[]> {
  const events = await readEvents(store.db, { imageArn, limit: 100 });
  return events.filter((event) => event.type === 'step').map((event) => event.detail);
}

test('a started workflow has all its steps PENDING with their unresolved inputs', async () => {
  await using store = await openTestStore();
  await startWorkflow(store, ['Launch', 'Apply']);
  const workflow = await store.db.selectFrom('workflow_executions').selectAll().executeTakeFirstOrThrow();
  assert.equal(workflow.status, 'RUNNING');
  assert.equal(workflow.total_step_count, 2);
  const steps = await stepRows(store);
  assert.deepEqual(
    steps.map((step) => [step.name, step.status, step.attempt_number, step.inputs]),
    [
      ['Launch', 'PENDING', 0, UNRESOLVED],
      ['Apply', 'PENDING', 0, UNRESOLVED],
    ],
  );
});

test('steps complete, fail, are skipped and cancelled, with an event for each change and totals counted', async () => {
  await using store = await openTestStore();
  const claim = await startWorkflow(store, ['A', 'B', 'C', 'D', 'E']);
  const id = (name: string): string => `step-wf-1-${name}`;
  await startStep(store.db, claim, { stepExecutionId: id('A'), inputs: { instanceId: 'i-1' }, at: AT });
  await completeStep(store.db, claim, { stepExecutionId: id('A'), outputs: { ok: true }, at: LATER });
  await startStep(store.db, claim, { stepExecutionId: id('B'), inputs: {}, at: AT });
  await failStep(store.db, claim, {
    stepExecutionId: id('B'),
    message: 'y'.repeat(900),
    outputs: { exitCode: 1 },
    at: LATER,
  });
  await skipStep(store.db, claim, { stepExecutionId: id('C'), at: AT });
  await startStep(store.db, claim, { stepExecutionId: id('D'), inputs: {}, at: AT });
  assert.deepEqual(await cancelSteps(store.db, claim, { message: 'cancelled', at: LATER }), [id('D'), id('E')]);
  await finishWorkflow(store.db, claim, { workflowExecutionId: 'wf-1', status: 'FAILED', message: 'B', at: LATER });

  const steps = await stepRows(store);
  assert.deepEqual(
    steps.map((step) => step.status),
    ['COMPLETED', 'FAILED', 'SKIPPED', 'CANCELLED', 'CANCELLED'],
  );
  assert.deepEqual(steps[0]?.inputs, { instanceId: 'i-1' });
  assert.deepEqual(steps[0]?.outputs, { ok: true });
  assert.equal(steps[1]?.message?.length, 500);
  assert.deepEqual(steps[2]?.inputs, UNRESOLVED);
  assert.deepEqual(steps[2]?.started_at, steps[2]?.ended_at);
  assert.deepEqual((await stepTotals(store.db, ['wf-1', 'wf-none'])).get('wf-1'), {
    ...{ succeeded: 1, failed: 1, skipped: 1 },
  });
  assert.deepEqual((await stepTotals(store.db, ['wf-none'])).get('wf-none'), { succeeded: 0, failed: 0, skipped: 0 });

  const step = (name: string) => ({ workflow: 'build-image', stepExecutionId: id(name), name, action: 'ExecuteBash' });
  assert.deepEqual(await stepEvents(store, claim.imageArn), [
    { ...step('A'), status: 'RUNNING' },
    { ...step('A'), status: 'COMPLETED', seconds: 2.5 },
    { ...step('B'), status: 'RUNNING' },
    { ...step('B'), status: 'FAILED', seconds: 2.5, message: steps[1]?.message },
    { ...step('C'), status: 'SKIPPED', seconds: 0 },
    { ...step('D'), status: 'RUNNING' },
    { ...step('D'), status: 'CANCELLED', seconds: 2.5, message: 'cancelled' },
    { ...step('E'), status: 'CANCELLED', message: 'cancelled' },
  ]);
});

test('cancelling the steps of one workflow leaves those of another', async () => {
  await using store = await openTestStore();
  const claim = await startWorkflow(store, ['A']);
  await addWorkflow(store, claim, 'wf-2', ['A']);
  assert.deepEqual(await cancelSteps(store.db, claim, { workflowExecutionId: 'wf-2', at: AT }), ['step-wf-2-A']);
  assert.deepEqual(await cancelSteps(store.db, claim, { workflowExecutionId: 'wf-2', at: AT }), []);
});

test('a step takes no transition that its state does not allow, and no other image can take it', async () => {
  await using store = await openTestStore();
  const claim = await startWorkflow(store, ['A']);
  const stepExecutionId = 'step-wf-1-A';
  await assert.rejects(completeStep(store.db, claim, { stepExecutionId, outputs: {}, at: AT }), /RUNNING to COMPLETED/);
  await startStep(store.db, claim, { stepExecutionId, inputs: {}, at: AT });
  await assert.rejects(startStep(store.db, claim, { stepExecutionId, inputs: {}, at: AT }), /PENDING to RUNNING/);
  await assert.rejects(skipStep(store.db, claim, { stepExecutionId, at: AT }), /PENDING to SKIPPED/);
  const imageArn = await insertImage(store.db, { build: 2 });
  const other = await claimImage(store.db, { imageArn, workerId: 'here', at: AT });
  assert.ok(other);
  await assert.rejects(completeStep(store.db, other.claim, { stepExecutionId, outputs: {}, at: AT }), /has no step/);
  assert.equal((await stepRows(store))[0]?.status, 'RUNNING');
});

test('a workflow does not finish before its steps, and not twice', async () => {
  await using store = await openTestStore();
  const claim = await startWorkflow(store, ['A']);
  const finish = () => finishWorkflow(store.db, claim, { workflowExecutionId: 'wf-1', status: 'COMPLETED', at: LATER });
  await assert.rejects(finish(), /no running workflow wf-1/);
  await skipStep(store.db, claim, { stepExecutionId: 'step-wf-1-A', at: AT });
  await finish();
  await assert.rejects(finish(), /no running workflow wf-1/);
});

test('a step that is tried again keeps running and counts its attempts', async () => {
  await using store = await openTestStore();
  const claim = await startWorkflow(store, ['A']);
  const stepExecutionId = 'step-wf-1-A';
  await assert.rejects(retryStep(store.db, claim, { stepExecutionId, attemptNumber: 2, at: AT }), /RUNNING to RUNNING/);
  await startStep(store.db, claim, { stepExecutionId, inputs: {}, at: AT });
  await retryStep(store.db, claim, { stepExecutionId, attemptNumber: 2, at: AT });
  const [step] = await stepRows(store);
  assert.deepEqual([step?.status, step?.attempt_number], ['RUNNING', 2]);
});

test('taking a step back is recorded beside its status', async () => {
  await using store = await openTestStore();
  const claim = await startWorkflow(store, ['A']);
  await startStep(store.db, claim, { stepExecutionId: 'step-wf-1-A', inputs: {}, at: AT });
  await completeStep(store.db, claim, { stepExecutionId: 'step-wf-1-A', outputs: {}, at: AT });
  await setRollbackStatus(store.db, claim, { stepExecutionId: 'step-wf-1-A', rollbackStatus: 'COMPLETED' });
  const [step] = await stepRows(store);
  assert.deepEqual([step?.status, step?.rollback_status], ['COMPLETED', 'COMPLETED']);
});

test('a change that waits for the image while somebody takes it over changes nothing', async () => {
  await using store = await openTestStore();
  const old = await startWorkflow(store, ['A']);
  await store.jobs.enqueue(store.db, old.imageArn);
  const before = await stepRows(store);
  const { promise: waits, resolve: go } = Promise.withResolvers<void>();
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
  const takingOver = store.db.transaction().execute(async (trx) => {
    assert.ok(await takeOverImage(trx, { imageArn: old.imageArn, workerId: 'there' }));
    lock();
    await waits;
  });
  await locked;
  const late = startStep(store.db, old, { stepExecutionId: 'step-wf-1-A', inputs: {}, at: AT });
  const isWaiting = sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await isWaiting.execute(store.db)).rows.length === 0);
  go();
  await assert.rejects(late, { name: 'ClaimLostError' });
  await takingOver;
  assert.deepEqual(await stepRows(store), before);
  assert.deepEqual(await stepEvents(store, old.imageArn), []);
});

test('an older claim starts no workflow and changes no step', async () => {
  await using store = await openTestStore();
  const old = await startWorkflow(store, ['A', 'B']);
  await startStep(store.db, old, { stepExecutionId: 'step-wf-1-A', inputs: {}, at: AT });
  await store.jobs.enqueue(store.db, old.imageArn);
  assert.ok(await takeOverImage(store.db, { imageArn: old.imageArn, workerId: 'there' }));
  const before = await stepRows(store);
  const lost = { name: 'ClaimLostError' };
  await assert.rejects(addWorkflow(store, old, 'wf-2', ['A']), lost);
  await assert.rejects(startStep(store.db, old, { stepExecutionId: 'step-wf-1-B', inputs: {}, at: AT }), lost);
  await assert.rejects(completeStep(store.db, old, { stepExecutionId: 'step-wf-1-A', outputs: {}, at: AT }), lost);
  await assert.rejects(failStep(store.db, old, { stepExecutionId: 'step-wf-1-A', message: 'no', at: AT }), lost);
  await assert.rejects(skipStep(store.db, old, { stepExecutionId: 'step-wf-1-B', at: AT }), lost);
  await assert.rejects(cancelSteps(store.db, old, { at: AT }), lost);
  await assert.rejects(finishWorkflow(store.db, old, { workflowExecutionId: 'wf-1', status: 'FAILED', at: AT }), lost);
  assert.deepEqual(await stepRows(store), before);
});
