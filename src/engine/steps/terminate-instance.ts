import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { instanceOf, type StepAction, type StepContext, type StepInputs, type StepResult } from './step-action.ts';

export const terminateInstance: StepAction = { definition: WORKFLOW_ACTIONS.TerminateInstance, run };

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { instanceId } = instanceOf(inputs, context).instance;
  await context.engine.buildHost.terminate(instanceId);
  context.progress.instances.delete(instanceId);
  context.monitor.line('kiln', `Terminated instance ${instanceId}`);
  return { outputs: {} };
}
