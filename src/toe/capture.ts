import { BoundedOutput } from './bounded-output.ts';
import type { Target, TargetCommand } from './target.ts';

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether {@link stdout} is all there was. */
  readonly complete: boolean;
}

const KEEP_STDERR_BYTES = 64 * 1024;

/**
 * Runs a command and collects head and tail of its output: at most `keepBytes` of standard output (default 1 MiB) and
 * 64 KiB of standard error.
 */
export async function capture(target: Target, command: TargetCommand, keepBytes = 1024 * 1024): Promise<Captured> {
  const stdout = new BoundedOutput(keepBytes);
  const stderr = new BoundedOutput(KEEP_STDERR_BYTES);
  const { code } = await target.run({
    ...command,
    onStdout: (chunk) => {
      stdout.push(chunk);
      command.onStdout?.(chunk);
    },
    onStderr: (chunk) => {
      stderr.push(chunk);
      command.onStderr?.(chunk);
    },
  });
  return { code, stdout: stdout.text(), stderr: stderr.text(), complete: stdout.leftOut === 0 };
}
