import { isJson } from '../../documents/parse-workflow-inputs.ts';
import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { findTopic } from '../../state/outbox/publish-message.ts';
import { beginWaiting } from '../../state/transitions/begin-waiting.ts';
import { markNotified } from '../../state/transitions/mark-notified.ts';
import { findWait } from '../../state/waiting-steps.ts';
import { BuildFailure } from '../../util/faults.ts';
import { BuildParked } from '../failure.ts';
import {
  FailedWithOutputs,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const waitForAction: StepAction = { definition: WORKFLOW_ACTIONS.WaitForAction, run, resume };

const MAX_PAYLOAD_BYTES = WORKFLOW_ACTIONS.WaitForAction.inputs.payload.jsonBytes;

/** Records that the step waits, tells those who are to be told, and gives the worker free. */
async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, claim, stepExecutionId } = context;
  const message = messageOf(inputs, context);
  const topicArn = textInput(inputs, 'snsTopicArn');
  if (topicArn !== undefined && (await findTopic(engine.db, topicArn)) === undefined) {
    throw new BuildFailure(`There is no topic '${topicArn}' (snsTopicArn)`);
  }
  const since = engine.clock.now();
  await beginWaiting(engine.db, claim, { stepExecutionId, since, seconds: context.timeoutSeconds, message, topicArn });
  await notifyFunction(inputs, message, context);
  const { imageArn } = context.plan;
  context.monitor.line('kiln', `Waiting for an action: \`kiln approve ${imageArn}\` or \`kiln reject ${imageArn}\``);
  throw new BuildParked(context.stepName);
}

/** What the step was told since; it waits on when that is nothing. */
async function resume(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { engine, stepExecutionId, stepName } = context;
  const wait = await findWait(engine.db, stepExecutionId);
  if (wait === undefined) return run(inputs, context);
  const { action, isOver } = wait;
  const reason = wait.reason ?? '';
  if (action === 'RESUME') return { outputs: { action, reason } };
  if (action === 'STOP') {
    throw new FailedWithOutputs(
      `Somebody said STOP${reason === '' ? '' : `: ${reason}`}`,
      { action, reason },
      'stopped',
    );
  }
  if (isOver) {
    throw new BuildFailure(`Nobody said RESUME or STOP within ${context.timeoutSeconds} s`, { kind: 'timeout' });
  }
  if (wait.notified_at === null) await notifyFunction(inputs, messageOf(inputs, context), context);
  throw new BuildParked(stepName);
}

async function notifyFunction(inputs: StepInputs, message: string, context: StepContext): Promise<void> {
  const { engine, claim, stepExecutionId, signal, monitor } = context;
  const name = textInput(inputs, 'lambdaFunctionName');
  if (name !== undefined) {
    if (engine.functions === undefined) throw new BuildFailure(`There is no function '${name}': none are configured`);
    await engine.functions.invoke(name, message, { signal, monitor });
  }
  await markNotified(engine.db, claim, { stepExecutionId, at: engine.clock.now() });
}

/** AWS does not publish the keys; these are the members of the event that says the same. */
function messageOf(inputs: StepInputs, context: StepContext): string {
  const payload = textInput(inputs, 'payload');
  if (payload !== undefined && Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) {
    throw new BuildFailure(`Input 'payload' has more than ${MAX_PAYLOAD_BYTES} bytes`);
  }
  if (payload !== undefined && !isJson(payload)) throw new BuildFailure("Input 'payload' is not JSON");
  return JSON.stringify({
    imageArn: context.plan.imageArn,
    workflowArn: context.workflowArn,
    workflowExecutionId: context.workflowExecutionId,
    workflowStepExecutionId: context.stepExecutionId,
    workflowStepName: context.stepName,
    ...(payload === undefined ? {} : { payload: JSON.parse(payload) as unknown }),
  });
}
