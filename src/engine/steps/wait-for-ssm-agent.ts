import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { TargetLostError } from '../../toe/target.ts';
import { pause } from '../step-timeout.ts';
import { runningInstance } from './running-instance.ts';
import type { StepAction, StepContext, StepInputs, StepResult } from './step-action.ts';

export const waitForSsmAgent: StepAction = { definition: WORKFLOW_ACTIONS.WaitForSSMAgent, run, resume: run };

const POLL_SECONDS = 2;

/** Kiln needs no agent in the guest: what one would be there for is that the instance takes commands. */
async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { signal, monitor } = context;
  const { target, instanceId } = await runningInstance(inputs, context);
  const argv = target.os === 'windows' ? (['cmd.exe', '/c', 'exit 0'] as const) : (['true'] as const);
  for (let asked = 1; ; asked++) {
    try {
      const { code } = await target.run({ argv: [...argv], signal });
      if (code === 0) break;
      if (asked === 1) monitor.line('kiln', `Instance ${instanceId} answers with exit status ${code}`);
    } catch (error) {
      if (!(error instanceof TargetLostError)) throw error;
      if (asked === 1) monitor.line('kiln', `Instance ${instanceId} does not answer yet: ${error.message}`);
    }
    await pause(POLL_SECONDS, signal);
  }
  return { outputs: { status: 'Online' } };
}
