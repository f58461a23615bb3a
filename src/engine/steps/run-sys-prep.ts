import { WORKFLOW_ACTIONS } from '../../documents/workflow-actions.ts';
import { capture } from '../../toe/capture.ts';
import { powerShellCommand } from '../../toe/powershell.ts';
import { BuildFailure } from '../../util/faults.ts';
import { plainText } from '../plain-text.ts';
import { runningInstance } from './running-instance.ts';
import type { StepAction, StepContext, StepInputs, StepResult } from './step-action.ts';

export const runSysPrep: StepAction = { definition: WORKFLOW_ACTIONS.RunSysPrep, run };

/**
 * `/quit`: the instance goes on to be captured, as after the other steps. Sysprep answers 0 also when it failed; what it
 * came to is in the registry. Source: Microsoft, "Sysprep command-line options", "Windows Setup states".
 */
const SCRIPT = `$sysprep = Join-Path $env:windir 'System32\\Sysprep\\sysprep.exe'
$arguments = @('/generalize', '/oobe', '/quit', '/quiet')
if ($in.answerFile) { $arguments += "/unattend:$($in.answerFile)" }
$process = Start-Process -FilePath $sysprep -ArgumentList $arguments -Wait -PassThru
$state = (Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Setup\\State').ImageState
Write-Output "sysprep ended with $($process.ExitCode), the image is $state"
if ($state -ne 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE') { exit 1 }
`;

async function run(inputs: StepInputs, context: StepContext): Promise<StepResult> {
  const { plan, signal, monitor } = context;
  if (plan.platform !== 'Windows') {
    throw new BuildFailure(`RunSysPrep is for Windows, and this image is for ${plan.platform}`, {
      hint: 'SanitizeInstance is what other systems have. An `if` on $.imagebuilder.platform leaves the step out.',
    });
  }
  const { target } = await runningInstance(inputs, context);
  const { code, stdout, stderr } = await capture(target, { ...powerShellCommand(SCRIPT, {}), signal });
  const output = plainText(stdout).trim();
  monitor.line('kiln', output);
  if (code !== 0) throw new BuildFailure(`Sysprep failed: ${output}\n${plainText(stderr).trim()}`);
  return { outputs: { runCommandId: context.stepExecutionId, status: 'Success', output } };
}
