import { capture } from './capture.ts';
import { powerShellCommand, saidBy } from './powershell.ts';
import { StepFailedError } from './step-failed.ts';
import type { Target } from './target.ts';

/**
 * Generalises the installation with what Amazon's own images have for it (EC2Launch v2, which without `--block` leaves it to
 * its service and returns at once; EC2Launch), else with Windows' own Sysprep, and leaves the machine running: it is shut
 * down by whoever takes its disk. Sysprep answers 0 also when it failed; what it came to is in the registry. Source: SSM
 * document AWSEC2-RunSysprep; EC2 User Guide, "Create an AMI using Windows Sysprep"; Microsoft, "Sysprep command-line
 * options" and "Windows Setup states".
 */
export const RUN_SYSPREP = `
$new = Join-Path $env:ProgramFiles 'Amazon\\EC2Launch\\EC2Launch.exe'
$old = Join-Path $env:ProgramData 'Amazon\\EC2-Windows\\Launch\\Scripts\\SysprepInstance.ps1'
$own = Join-Path $env:SystemRoot 'System32\\Sysprep\\sysprep.exe'
if (Test-Path -LiteralPath $new) { $tool = 'EC2Launch v2'; [void](& $new 'sysprep' '--shutdown=false' '--block') }
elseif (Test-Path -LiteralPath $old) {
  $tool = 'EC2Launch'
  [void](& powershell.exe -NoProfile -ExecutionPolicy Bypass -File $old -NoShutdown)
}
elseif (Test-Path -LiteralPath $own) {
  $tool = 'Sysprep'
  Start-Process -FilePath $own -ArgumentList '/generalize', '/oobe', '/quiet', '/quit' -Wait
}
else { Fail 'there is no Sysprep on this machine' }
$state = (Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Setup\\State').ImageState
if ($state -ne 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE') {
  $log = Join-Path $env:SystemRoot 'System32\\Sysprep\\Panther\\setuperr.log'
  $why = if (Test-Path -LiteralPath $log) { (Get-Content -LiteralPath $log -Tail 1) } else { 'it left no log' }
  Fail "$tool left the image in the state $($state): $why"
}
Say "$tool left the image in the state $state"
`;

/**
 * Prepares a Windows machine for being made into an image; gives what came of it, in a sentence.
 *
 * @throws StepFailedError with what Sysprep's log said last; the signal's reason and TargetLostError pass through.
 */
export async function runSysprep(target: Target, signal: AbortSignal): Promise<string> {
  if (target.os !== 'windows') throw new StepFailedError(`Sysprep is for Windows, and ${target.name} is not`);
  const { code, stdout, stderr } = await capture(target, { ...powerShellCommand(RUN_SYSPREP, {}), signal });
  if (code !== 0) throw new StepFailedError(stderr.trim().split('\n').at(-1) || `Sysprep: exit status ${code}`);
  return saidBy(stdout);
}
