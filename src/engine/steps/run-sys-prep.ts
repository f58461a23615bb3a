import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { runSysprep } from '../../toe/run-sysprep.ts';
import { StepFailedError } from '../../toe/step-failed.ts';
import { BuildFailure } from '../../util/faults.ts';
import { plainText } from '../plain-text.ts';
import { runningInstance } from './running-instance.ts';
import type { StepAction, StepContext, StepInputs, StepResult } from './step-action.ts';

export const runSysPrep: StepAction = { definition: WORKFLOW_ACTIONS.RunSysPrep, run };

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { plan, signal, monitor } = context;
  if (plan.platform !== 'Windows') {
    throw new BuildFailure(`RunSysPrep is for Windows, and this image is for ${plan.platform}`, {
      hint: 'SanitizeInstance is what other systems have. An `if` on $.imagebuilder.platform leaves the step out.',
    });
  }
  const { target } = await runningInstance(inputs, context);
  const output = plainText(await runSysprep(target, signal).catch(failBuild));
  monitor.line('kiln', output);
  return { outputs: { runCommandId: context.stepExecutionId, status: 'Success', output } };
}

function failBuild(error: unknown): never {
  if (!(error instanceof StepFailedError)) throw error;
  throw new BuildFailure(`Sysprep failed: ${plainText(error.message)}`, { cause: error });
}
