import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { endInstance } from '../release-build.ts';
import {
  instanceOf,
  type StepAction,
  type StepContext,
  type StepInputs,
  type StepResult,
  textInput,
} from './step-action.ts';

export const terminateInstance: StepAction = { definition: WORKFLOW_ACTIONS.TerminateInstance, run, resume };

/** The instance may be gone already. */
async function resume(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  return context.progress.instances.has(textInput(inputs, 'instanceId') ?? '') ? run(inputs, context) : { outputs: {} };
}

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { instanceId } = instanceOf(inputs, context).instance;
  await endInstance(context.engine, context.progress, instanceId);
  context.monitor.line('kiln', `Terminated instance ${instanceId}`);
  return { outputs: {} };
}
