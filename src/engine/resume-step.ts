import type { WorkflowActionName } from '../documents/workflow-actions.ts';
import { BuildFailure } from '../util/faults.ts';
import type { StepContext, StepInputs, StepResult } from './steps/step-action.ts';
import { STEP_ACTIONS } from './steps/step-actions.ts';

/** Goes on with the attempt of a step that was begun by somebody who is not there any more. */
export async function resumeStep(
  action: WorkflowActionName,
  inputs: StepInputs,
  context: StepContext,
): Promise<StepResult> {
  const { resume } = STEP_ACTIONS[action];
  if (resume === undefined) throw new BuildFailure('Kiln was stopped while this step ran', { kind: 'builder fault' });
  return resume(inputs, context);
}
