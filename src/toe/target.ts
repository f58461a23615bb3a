import type { Readable } from 'node:stream';

export type TargetOs = 'linux' | 'macos' | 'windows';

export interface TargetCommand {
  /**
   * The program and its arguments, exactly as the program receives them. No shell is involved. Like a `stdin` that is
   * text they are OS text (see `os-text.ts`): any byte but NUL can be in them.
   */
  readonly argv: readonly [string, ...string[]];
  /** Fed to standard input, then closed. Without it standard input is empty (`/dev/null`). */
  readonly stdin?: string | Uint8Array | Readable;
  /** Added to the target's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute path on the target. Default: the target's own choice, the same for every command. */
  readonly cwd?: string;
  /** Ends the command with its whole process tree: SIGTERM, then SIGKILL after two seconds. */
  readonly signal: AbortSignal;
  /**
   * Where the machine is reached over a connection: the command outlives it, and its output and exit code are collected
   * after reconnecting. Only for commands whose input is not a stream. Costs a few processes on the machine.
   */
  readonly survives?: boolean;
  /** Live output, in the chunks in which it arrives. The target keeps nothing: who needs output collects it here. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
}

export interface TargetExit {
  /** Exit code; 128 + n when signal n ended the command. */
  readonly code: number;
}

/**
 * The surface through which steps act on the machine that is being built: this machine, a VM over SSH, a container.
 *
 * Promises that every driver keeps (`target.suite.ts` checks them):
 * - Arguments, input and output are binary-safe: names with spaces, quotes, newlines and bytes that are not UTF-8 arrive
 *   unchanged.
 * - Commands may run concurrently.
 * - `run` resolves with the exit code, whatever it is. It rejects with the signal's reason after an abort, with
 *   {@link TargetLostError} when the machine went away, with the error of a `stdin` stream that failed, and with nothing
 *   else.
 * - A program that does not exist is exit code 127, one that cannot be executed is 126, as shells have it.
 * - After an abort no process of the command is left on the target.
 * - A command has ended when its program has ended: what that left running in the background goes on and is not waited
 *   for, though it holds the output open.
 */
export interface Target {
  readonly os: TargetOs;
  /** What messages call it, e.g. `local` or `i-0abc… (ssh)`. */
  readonly name: string;
  run(command: TargetCommand): Promise<TargetExit>;
  /**
   * Reboots the machine and resolves when it takes commands again. Rejects with {@link RebootRefusedError} where a
   * reboot is not possible (the local machine, a container) and with the signal's reason after an abort.
   */
  reboot(signal: AbortSignal): Promise<void>;
  /**
   * Ends commands that outlived the connection of a process of Kiln's that is not there any more. Absent where commands end
   * with their process. Only while nobody else runs commands on the machine.
   */
  endOrphans?(signal: AbortSignal): Promise<void>;
}

/** The connection to the machine ended and could not be made again. */
export class TargetLostError extends Error {
  override readonly name = 'TargetLostError';
}

/** This target cannot be rebooted from here. */
export class RebootRefusedError extends Error {
  override readonly name = 'RebootRefusedError';
}
