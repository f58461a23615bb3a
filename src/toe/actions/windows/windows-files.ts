import { capture } from '../../capture.ts';
import { powerShellCommand, saidBy } from '../../powershell.ts';
import { StepFailedError } from '../../step-failed.ts';
import { whatItSaid } from '../action.ts';
import { foundFiles, MAX_LIST_BYTES } from '../found-files.ts';
import type { MachineFiles } from '../machine-files.ts';
import { mustRunPowerShell, powerShellStream, runPowerShell } from '../run-powershell.ts';
import { splitWindowsWildcard } from './file-actions.ts';
import { FUNCTIONS } from './file-scripts.ts';

const EXISTS = 'if (-not (Test-Path -LiteralPath $in.path)) { exit 1 }';

/** Gives SIZE NUL PATH NUL of every file. */
export const FIND = `${FUNCTIONS}
function Get-Files($folder) {
  foreach ($item in @(Get-ChildItem -LiteralPath $folder -Force)) {
    if (-not $item.PSIsContainer) { $item } elseif (-not (Test-Link $item)) { Get-Files $item.FullName }
  }
}
$files = @()
if (-not $in.pattern) {
  if (Test-Folder $in.source) {
    if (-not $in.recurse) { Fail "$($in.source) is a folder: set recurse to true to upload it" }
    $files = @(Get-Files $in.source)
  } elseif (Test-File $in.source) { $files = @(Get-Item -LiteralPath $in.source -Force) }
  else { Fail "there is no file $($in.source)" }
} else {
  if (-not (Test-Folder $in.folder)) { Fail "there is no folder $($in.folder)" }
  $pattern = Get-Pattern $in.pattern
  foreach ($item in @(Get-ChildItem -LiteralPath $in.folder -Force)) {
    if ($item.Name -notlike $pattern) { continue }
    if (-not $item.PSIsContainer) { $files += $item } elseif ($in.recurse -and -not (Test-Link $item)) { $files += @(Get-Files $item.FullName) }
  }
}
Say (($files | ForEach-Object { [string]$_.Length + [char]0 + $_.FullName + [char]0 }) -join '')
`;

/** Writes the bytes as they are. */
export const READ = `
$file = [IO.File]::OpenRead($in.path)
try {
  [void]$file.Seek([long]$in.offset, [IO.SeekOrigin]::Begin)
  $out = [Console]::OpenStandardOutput()
  $buffer = New-Object byte[] 65536
  $left = [long]$in.length
  while ($left -gt 0 -and ($count = $file.Read($buffer, 0, [int][Math]::Min($left, 65536))) -gt 0) { $out.Write($buffer, 0, $count); $left -= $count }
  $out.Flush()
} finally { $file.Dispose() }
`;

export const windowsFiles: MachineFiles = {
  exists: async (path, context) => (await runPowerShell(context, EXISTS, { path })).code === 0,

  receive: (path, part, size, body, context) => powerShellStream(context, path, part, size, body),

  find: async (search, context) => {
    const { stdout, complete } = await mustRunPowerShell(context, FIND, search, MAX_LIST_BYTES);
    if (!complete) throw new StepFailedError('there are too many files to upload in one step');
    return foundFiles(saidBy(stdout));
  },

  read: async (path, offset, length, { target, environment, workspace, signal, output }) => {
    const chunks: Buffer[] = [];
    const command = powerShellCommand(READ, { path, offset, length });
    const options = { env: environment, cwd: workspace.directory, signal, onStderr: output.onStderr };
    const onStdout = (chunk: Buffer): void => void chunks.push(chunk);
    const captured = await capture(target, { ...command, ...options, onStdout }, 0);
    output.flush();
    if (captured.code !== 0) throw new StepFailedError(whatItSaid(captured));
    return Buffer.concat(chunks);
  },

  split: (path) => {
    const { folder, pattern } = splitWindowsWildcard(path);
    return pattern === '' ? undefined : { folder: folder.replace(/[\\/]+$/, ''), pattern };
  },
};
