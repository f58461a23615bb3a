import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { completeStep } from '../state/transitions/complete-step.ts';
import { failImage } from '../state/transitions/fail-image.ts';
import { failStep } from '../state/transitions/fail-step.ts';
import { finishWorkflow } from '../state/transitions/finish-workflow.ts';
import { skipStep } from '../state/transitions/skip-step.ts';
import { startStep } from '../state/transitions/start-step.ts';
import { startWorkflowExecution } from '../state/transitions/start-workflow-execution.ts';
import type { Service } from './service.ts';
import { ARN_PREFIX, testService } from './test-service.ts';

const WORKFLOW_ARN = 'arn:aws:imagebuilder:us-east-1:aws:workflow/build/build-image/1.0.0/1';
const WORKFLOW_ID = 'wf-00000000-0000-4000-8000-000000000001';
const STEP_IDS = [1, 2, 3, 4].map((index) => `step-00000000-0000-4000-8000-00000000000${index}`);
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 23, 10, 0, seconds));

/** A build whose first step worked, whose second was skipped and whose third failed; the fourth never began. */
async function failedBuild({ db }: Service): Promise<string> {
  const imageArn = await insertImage(db);
  const claimed = await claimImage(db, { imageArn, workerId: 'worker', at: at(0) });
  assert.ok(claimed);
  const { claim } = claimed;
  const inputs = { 'instanceId.$': '$.stepOutputs.Launch.instanceId' };
  const [launch = '', inventory = '', run = '', terminate = ''] = STEP_IDS;
  const step = { inputs, onFailure: 'Abort' as const, timeoutSeconds: 60 };
  await startWorkflowExecution(db, claim, {
    id: WORKFLOW_ID,
    workflowArn: WORKFLOW_ARN,
    type: 'BUILD',
    position: 0,
    steps: [
      { ...step, id: launch, name: 'Launch', action: 'LaunchInstance', description: 'Boots', inputs: {} },
      { ...step, id: inventory, name: 'Inventory', action: 'CollectImageMetadata' },
      { ...step, id: run, name: 'Run', action: 'ExecuteComponents', maxAttempts: 2 },
      { ...step, id: terminate, name: 'Terminate', action: 'TerminateInstance', onFailure: 'Continue' },
    ],
    at: at(0),
  });
  await startStep(db, claim, { stepExecutionId: launch, inputs: { waitFor: 'ssmAgent' }, at: at(1) });
  await completeStep(db, claim, { stepExecutionId: launch, outputs: { instanceId: 'i-1' }, at: at(5) });
  await skipStep(db, claim, { stepExecutionId: inventory, at: at(5) });
  await startStep(db, claim, { stepExecutionId: run, inputs: { instanceId: 'i-1' }, at: at(5) });
  await failStep(db, claim, { stepExecutionId: run, message: 'It broke.', outputs: { error: 'exit 1' }, at: at(7) });
  await finishWorkflow(db, claim, {
    workflowExecutionId: WORKFLOW_ID,
    status: 'FAILED',
    message: 'Run failed.',
    at: at(8),
  });
  await failImage(db, claim, { reason: 'Because of Run.', at: at(8) });
  return imageArn;
}

const EXECUTION = {
  workflowBuildVersionArn: WORKFLOW_ARN,
  workflowExecutionId: WORKFLOW_ID,
  type: 'BUILD',
  status: 'FAILED',
  message: 'Run failed.',
  totalStepCount: 4,
  totalStepsSucceeded: 1,
  totalStepsFailed: 1,
  totalStepsSkipped: 1,
  startTime: '2026-11-23T10:00:00.000Z',
  endTime: '2026-11-23T10:00:08.000Z',
};

describe('workflow executions', () => {
  it('are listed with the reason of the image, and got, with how their steps ended', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const imageBuildVersionArn = await failedBuild(service);
    assert.deepEqual(await call.ListWorkflowExecutions({ imageBuildVersionArn }), {
      workflowExecutions: [EXECUTION],
      imageBuildVersionArn,
      message: 'Because of Run.',
    });
    assert.deepEqual(await call.GetWorkflowExecution({ workflowExecutionId: WORKFLOW_ID }), {
      ...EXECUTION,
      imageBuildVersionArn,
    });
  });

  it('have steps in their order, with inputs and outputs as JSON text', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const imageBuildVersionArn = await failedBuild(service);
    const unresolved = JSON.stringify({ 'instanceId.$': '$.stepOutputs.Launch.instanceId' });
    const [stepExecutionId = ''] = STEP_IDS;
    const launch = {
      stepExecutionId,
      name: 'Launch',
      description: 'Boots',
      action: 'LaunchInstance',
      status: 'COMPLETED',
      inputs: '{"waitFor":"ssmAgent"}',
      outputs: '{"instanceId":"i-1"}',
      startTime: '2026-11-23T10:00:01.000Z',
      endTime: '2026-11-23T10:00:05.000Z',
      attemptNumber: 1,
      maxAttempts: 1,
    };
    const { steps = [], ...execution } = await call.ListWorkflowStepExecutions({ workflowExecutionId: WORKFLOW_ID });
    assert.deepEqual(execution, {
      workflowBuildVersionArn: WORKFLOW_ARN,
      workflowExecutionId: WORKFLOW_ID,
      imageBuildVersionArn,
      message: 'Run failed.',
    });
    assert.deepEqual(steps[0], launch);
    assert.deepEqual(
      steps.map(({ name, status, inputs, outputs, message }) => [name, status, inputs, outputs, message]),
      [
        ['Launch', 'COMPLETED', '{"waitFor":"ssmAgent"}', '{"instanceId":"i-1"}', undefined],
        ['Inventory', 'SKIPPED', unresolved, undefined, undefined],
        ['Run', 'FAILED', '{"instanceId":"i-1"}', '{"error":"exit 1"}', 'It broke.'],
        ['Terminate', 'PENDING', unresolved, undefined, undefined],
      ],
    );
    assert.deepEqual(await call.GetWorkflowStepExecution({ stepExecutionId }), {
      ...launch,
      workflowBuildVersionArn: WORKFLOW_ARN,
      workflowExecutionId: WORKFLOW_ID,
      imageBuildVersionArn,
      onFailure: 'Abort',
      timeoutSeconds: 60,
    });
    const { stepExecutionId: fourth = '', attemptNumber } = steps[3] ?? {};
    assert.equal(attemptNumber, undefined);
    assert.equal((await call.GetWorkflowStepExecution({ stepExecutionId: fourth })).onFailure, 'Continue');
  });

  it('have steps in pages', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    await failedBuild(service);
    const request = { workflowExecutionId: WORKFLOW_ID, maxResults: 3 };
    const { nextToken = '', steps: first } = await call.ListWorkflowStepExecutions(request);
    const { steps: second, nextToken: end } = await call.ListWorkflowStepExecutions({ ...request, nextToken });
    assert.deepEqual(
      [...(first ?? []), ...(second ?? [])].map(({ stepExecutionId }) => stepExecutionId),
      STEP_IDS,
    );
    assert.equal(end, undefined);
  });

  it('are empty for an image that has not begun and not found for one that does not exist', async () => {
    await using store = await openTestStore();
    const { call, service } = testService(store);
    const imageBuildVersionArn = await insertImage(service.db);
    assert.deepEqual(await call.ListWorkflowExecutions({ imageBuildVersionArn }), {
      workflowExecutions: [],
      imageBuildVersionArn,
    });
    const refused = { name: 'ResourceNotFoundException' };
    const none = { imageBuildVersionArn: `${ARN_PREFIX}image/none/1.0.0/1` };
    await assert.rejects(call.ListWorkflowExecutions(none), refused);
    await assert.rejects(call.GetWorkflowExecution({ workflowExecutionId: WORKFLOW_ID }), refused);
    await assert.rejects(call.ListWorkflowStepExecutions({ workflowExecutionId: WORKFLOW_ID }), refused);
    await assert.rejects(call.GetWorkflowStepExecution({ stepExecutionId: STEP_IDS[0] ?? '' }), refused);
  });
});
