import { Readable } from 'node:stream';
import { type Captured, capture } from '../capture.ts';
import { powerShellCommand, powerShellReader } from '../powershell.ts';
import { StepFailedError } from '../step-failed.ts';
import { type ActionContext, whatItSaid } from './action.ts';

/** Runs a fixed script; an exit code other than 0 fails the step with what the script said last. */
export async function mustRunPowerShell(context: ActionContext, script: string, values: object): Promise<Captured> {
  const { target, environment, workspace, signal, output } = context;
  const command = powerShellCommand(script, values);
  const options = { env: environment, cwd: workspace.directory, signal, onStderr: output.onStderr };
  const captured = await capture(target, { ...command, ...options });
  output.flush();
  if (captured.code !== 0) throw new StepFailedError(whatItSaid(captured));
  return captured;
}

/** Writes a stream to a new file. The path comes first on standard input, as one line; what follows is the content. */
const RECEIVE = `$ErrorActionPreference = 'Stop'
$in = [Console]::OpenStandardInput()
$line = New-Object System.Collections.Generic.List[byte]
while (($byte = $in.ReadByte()) -gt 10) { $line.Add($byte) }
$path = [Text.Encoding]::UTF8.GetString($line.ToArray())
$file = [IO.File]::Create($path)
try { $in.CopyTo($file) } finally { $file.Dispose() }
`;

/** Streams `body` into a file on the machine. */
export async function powerShellStream(context: ActionContext, path: string, body: Readable): Promise<void> {
  const { target, environment, workspace, signal, output } = context;
  const stdin = Readable.from(prepend(`${path}\n`, body), { objectMode: false });
  const options = { env: environment, cwd: workspace.directory, signal, onStderr: output.onStderr };
  const captured = await capture(target, { ...powerShellReader(RECEIVE), stdin, ...options });
  if (captured.code !== 0) throw new StepFailedError(whatItSaid(captured));
}

async function* prepend(line: string, body: Readable): AsyncGenerator<Buffer> {
  yield Buffer.from(line);
  yield* body;
}
