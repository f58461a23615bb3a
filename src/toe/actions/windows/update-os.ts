import { ACTION_MODULES } from '../../../documents/action-modules/index.ts';
import { mapAction } from '../action.ts';
import { askPowerShell } from '../run-powershell.ts';

/**
 * Updates from the source that the machine is configured for, by the Windows Update Agent. What is wanted: the id of an
 * article (KB1234567, or the number), or a title, in which * stands for anything. Gives how many updates were installed and whether
 * a reboot is needed. Source: Microsoft, "Searching, Downloading, and Installing Updates".
 */
export const UPDATE_OS = `
function Test-Wanted($update, $names) {
  foreach ($name in $names) {
    if ($name -match '^(?:KB)?(\\d+)$') { if (@($update.KBArticleIDs) -contains $Matches[1]) { return $true } }
    elseif ($update.Title -like (($name.Split('*') | ForEach-Object { [Management.Automation.WildcardPattern]::Escape($_) }) -join '*')) { return $true }
  }
  return $false
}
$session = New-Object -ComObject Microsoft.Update.Session
$session.ClientApplicationID = 'Kiln'
$found = $session.CreateUpdateSearcher().Search('IsInstalled=0 and IsHidden=0')
$wanted = New-Object -ComObject Microsoft.Update.UpdateColl
foreach ($update in $found.Updates) {
  if ($in.include.Count -gt 0 -and -not (Test-Wanted $update $in.include)) { continue }
  if (Test-Wanted $update $in.exclude) { continue }
  if ($update.InstallationBehavior.CanRequestUserInput) { continue }
  if (-not $update.EulaAccepted) { $update.AcceptEula() }
  [Console]::Error.WriteLine($update.Title)
  [void]$wanted.Add($update)
}
if ($wanted.Count -eq 0) { Say (@{ installed = 0; reboot = $false } | ConvertTo-Json -Compress); exit 0 }
$downloader = $session.CreateUpdateDownloader()
$downloader.Updates = $wanted
$downloaded = $downloader.Download()
if ($downloaded.ResultCode -notin 2, 3) { Fail "the updates were not downloaded: result $($downloaded.ResultCode), 0x$('{0:X8}' -f $downloaded.HResult)" }
$installer = $session.CreateUpdateInstaller()
$installer.Updates = $wanted
$installed = $installer.Install()
if ($installed.ResultCode -ne 2 -and -not $installed.RebootRequired) { Fail "the updates were not installed: result $($installed.ResultCode), 0x$('{0:X8}' -f $installed.HResult)" }
Say (@{ installed = $wanted.Count; reboot = [bool]$installed.RebootRequired } | ConvertTo-Json -Compress)
`;

/** After a reboot there may be more: it goes on until nothing is left that needs one. */
export const updateOs = mapAction(ACTION_MODULES.UpdateOS, async ({ include = [], exclude = [] }, context) => {
  const said: { readonly installed: number; readonly reboot: boolean } = JSON.parse(
    await askPowerShell(context, UPDATE_OS, { include, exclude }),
  );
  context.output.note(`UpdateOS: ${said.installed} updates were installed`);
  return said.reboot ? { outputs: {}, reboot: 'repeat' } : { outputs: {} };
});
