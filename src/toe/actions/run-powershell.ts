import { Readable } from 'node:stream';
import { type Captured, capture } from '../capture.ts';
import { asciiJson, powerShellCommand, powerShellReader, saidBy } from '../powershell.ts';
import { StepFailedError } from '../step-failed.ts';
import type { TargetCommand } from '../target.ts';
import { type ActionContext, whatItSaid } from './action.ts';

/** Runs a fixed script; whatever its exit code is, it is a result. */
export async function runPowerShell(
  context: ActionContext,
  script: string,
  values: object,
  keepBytes?: number,
): Promise<Captured> {
  const captured = await capture(
    context.target,
    { ...powerShellCommand(script, values), ...options(context) },
    keepBytes,
  );
  context.output.flush();
  return captured;
}

/** {@link runPowerShell}, where an exit code other than 0 fails the step with what the script said last. */
export async function mustRunPowerShell(
  context: ActionContext,
  script: string,
  values: object,
  keepBytes?: number,
): Promise<Captured> {
  const captured = await runPowerShell(context, script, values, keepBytes);
  if (captured.code !== 0) throw new StepFailedError(whatItSaid(captured));
  return captured;
}

/** What a fixed script gives back by `Say`. */
export async function askPowerShell(context: ActionContext, script: string, values: object): Promise<string> {
  const { stdout, complete } = await mustRunPowerShell(context, script, values);
  if (!complete) throw new StepFailedError('the machine gave a longer answer than one step can have');
  return saidBy(stdout);
}

/** Writes a stream to a file, whole or not at all. What it is comes first on standard input, as one line of JSON. */
export const RECEIVE = `$ErrorActionPreference = 'Stop'
try {
  $stream = [Console]::OpenStandardInput()
  $line = New-Object System.Collections.Generic.List[byte]
  while (($byte = $stream.ReadByte()) -gt 10) { $line.Add($byte) }
  $in = [Text.Encoding]::UTF8.GetString($line.ToArray()) | ConvertFrom-Json
  if (Test-Path -LiteralPath $in.path -PathType Container) { throw "$($in.path) is a folder" }
  [void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($in.path))
  $file = [IO.File]::Create($in.part)
  try { $stream.CopyTo($file) } finally { $file.Dispose() }
  if ((Get-Item -LiteralPath $in.part).Length -ne $in.size) { throw 'the transfer ended early' }
  Move-Item -LiteralPath $in.part -Destination $in.path -Force
} catch {
  if ($in.part) { Remove-Item -LiteralPath $in.part -Force -ErrorAction SilentlyContinue }
  [Console]::Error.WriteLine($_.Exception.Message)
  exit 1
}
`;

/** Streams a body of so many bytes into a file on the machine. */
export async function powerShellStream(
  context: ActionContext,
  path: string,
  part: string,
  size: number,
  body: Readable,
): Promise<void> {
  const stdin = Readable.from(prepend(`${asciiJson({ path, part, size })}\n`, body), { objectMode: false });
  const captured = await capture(context.target, { ...powerShellReader(RECEIVE), stdin, ...options(context) });
  context.output.flush();
  if (captured.code !== 0) throw new StepFailedError(whatItSaid(captured));
}

async function* prepend(line: string, body: Readable): AsyncGenerator<Buffer> {
  yield Buffer.from(line);
  yield* body;
}

function options({ environment, workspace, signal, output }: ActionContext): Omit<TargetCommand, 'argv' | 'stdin'> {
  return { env: environment, cwd: workspace.directory, signal, onStderr: output.onStderr };
}
