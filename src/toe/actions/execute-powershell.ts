import { ACTION_MODULES } from '../../documents/action-modules/index.ts';
import { powerShellFile } from '../powershell.ts';
import { mapAction } from './action.ts';
import { execute } from './execute.ts';
import { mustRunPowerShell } from './run-powershell.ts';

/** With a byte order mark: without it Windows PowerShell takes a script for text in the system's code page. */
export const WRITE_SCRIPT =
  '[System.IO.File]::WriteAllText($in.path, $in.text, (New-Object System.Text.UTF8Encoding $true))';
export const REMOVE_SCRIPT = 'Remove-Item -LiteralPath $in.path -Force';
/** ERROR_SUCCESS_REBOOT_REQUIRED */
const REBOOT_STATUS = 3010;

export const executePowerShell = mapAction(ACTION_MODULES.ExecutePowerShell, async ({ commands, file }, context) => {
  if (file !== undefined) return execute(context, powerShellFile(context.workspace.absolute(file)), REBOOT_STATUS);
  const path = context.workspace.newScript('input.ps1');
  await mustRunPowerShell(context, WRITE_SCRIPT, { path, text: `${(commands ?? []).join('\r\n')}\r\n` });
  try {
    return await execute(context, powerShellFile(path), REBOOT_STATUS);
  } finally {
    // After an abort the private folder, which is removed at the end of the run, is all that holds it.
    if (!context.signal.aborted) await mustRunPowerShell(context, REMOVE_SCRIPT, { path }).catch(() => {});
  }
});
