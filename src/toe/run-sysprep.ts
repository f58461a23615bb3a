import { capture } from './capture.ts';
import { powerShellCommand } from './powershell.ts';
import { StepFailedError } from './step-failed.ts';
import type { Target } from './target.ts';

/**
 * Generalises the installation with what Amazon's own images have for it (EC2Launch v2, EC2Launch), else with Windows' own
 * Sysprep, and leaves the machine running: it is shut down by whoever takes its disk. Source: SSM document AWSEC2-RunSysprep, EC2
 * User Guide, "Create an AMI using Windows Sysprep".
 */
export const RUN_SYSPREP = `
$new = Join-Path $env:ProgramFiles 'Amazon\\EC2Launch\\EC2Launch.exe'
$old = Join-Path $env:ProgramData 'Amazon\\EC2-Windows\\Launch\\Scripts\\SysprepInstance.ps1'
$own = Join-Path $env:SystemRoot 'System32\\Sysprep\\sysprep.exe'
$done = Join-Path $env:SystemRoot 'System32\\Sysprep\\Sysprep_succeeded.tag'
Remove-Item -LiteralPath $done -Force -ErrorAction SilentlyContinue
if (Test-Path -LiteralPath $new) { & $new 'sysprep' '--shutdown=false' }
elseif (Test-Path -LiteralPath $old) { & powershell.exe -NoProfile -ExecutionPolicy Bypass -File $old -NoShutdown }
elseif (Test-Path -LiteralPath $own) { Start-Process -FilePath $own -ArgumentList '/generalize', '/oobe', '/quiet', '/quit' -Wait }
else { Fail 'there is no Sysprep on this machine' }
if (-not (Test-Path -LiteralPath $done)) {
  $log = Join-Path $env:SystemRoot 'System32\\Sysprep\\Panther\\setuperr.log'
  $why = if (Test-Path -LiteralPath $log) { (Get-Content -LiteralPath $log -Tail 1) } else { 'it left no log' }
  Fail "Sysprep did not succeed: $why"
}
`;

/**
 * Prepares a Windows machine for being made into an image.
 *
 * @throws StepFailedError with what Sysprep's log said last; the signal's reason and TargetLostError pass through.
 */
export async function runSysprep(target: Target, signal: AbortSignal): Promise<void> {
  if (target.os !== 'windows') throw new StepFailedError(`Sysprep is for Windows, and ${target.name} is not`);
  const { code, stderr } = await capture(target, { ...powerShellCommand(RUN_SYSPREP, {}), signal });
  if (code !== 0) throw new StepFailedError(stderr.trim().split('\n').at(-1) || `Sysprep: exit status ${code}`);
}
