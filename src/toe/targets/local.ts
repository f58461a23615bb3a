import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { encodeOsText } from '../../util/os-text.ts';
import { RebootRefusedError, type Target, type TargetCommand, type TargetExit, type TargetOs } from '../target.ts';
import { spawnable } from './foreign-arguments.ts';
import { endProcesses } from './process-tree.ts';
import { signalNumber } from './signal-number.ts';

export interface LocalTargetOptions {
  /** The whole environment of the commands; what a command adds goes on top. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where commands without a `cwd` run. */
  readonly cwd: string;
  readonly os?: TargetOs;
}

/** How long output is still collected after the program ended, when something it left behind holds the pipes open. */
const DRAIN_MS = 500;
/** The same while output keeps coming: what is left in a pipe is soon read, but a daemon may write for ever. */
const DRAIN_AT_MOST_MS = 2_000;
/** Every process of a command carries this variable, so that an abort finds also those that left its process group. */
const MARK = 'KILN_COMMAND';

/** This machine. It cannot be rebooted from here. */
export function localTarget(options: LocalTargetOptions): Target {
  return {
    os: options.os ?? 'linux',
    name: 'local',
    run: (command) => runLocally(command, options),
    reboot: () => Promise.reject(new RebootRefusedError('Kiln does not reboot the machine it runs on.')),
  };
}

async function runLocally(command: TargetCommand, options: LocalTargetOptions): Promise<TargetExit> {
  const { signal } = command;
  signal.throwIfAborted();
  const [file, ...args] = spawnable(command.argv);
  const mark = `${MARK}=${randomUUID()}`;
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      // A session of its own: the whole group can be signalled, and a Ctrl-C on our terminal is ours alone.
      detached: true,
      stdio: [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: command.cwd ?? options.cwd,
      env: { ...options.environment, ...command.env, [MARK]: mark.slice(MARK.length + 1) },
    });
  } catch (error) {
    return cannotRun(error, command, options.cwd);
  }
  if (command.onStdout !== undefined) child.stdout?.on('data', command.onStdout);
  else child.stdout?.resume();
  if (command.onStderr !== undefined) child.stderr?.on('data', command.onStderr);
  else child.stderr?.resume();

  const stopped = Promise.withResolvers<never>();
  // Whoever waits for it may be gone by then.
  stopped.promise.catch(() => {});
  let stopping = false;
  const stop = (reason: unknown): void => {
    if (stopping) return;
    stopping = true;
    const ended = child.pid === undefined ? Promise.resolve() : endProcesses(child.pid, mark);
    ended.finally(() => stopped.reject(reason)).catch(() => {});
  };
  const onAbort = (): void => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    feed(child, command.stdin, stop);
    const exit = await Promise.race([ended(child), stopped.promise]);
    // A stop that came in the meantime decides: the caller must not take the killed command's code for a result.
    if (stopping) return await stopped.promise;
    return exit instanceof Error ? cannotRun(exit, command, options.cwd) : exit;
  } finally {
    signal.removeEventListener('abort', onAbort);
    child.stdin?.destroy();
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** Resolves when the program has ended and its output is collected, or with the error that kept it from starting. */
function ended(child: ChildProcess): Promise<TargetExit | Error> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    child.once('error', resolve);
    child.once('exit', (code, signal) => {
      const exit = { code: code ?? 128 + signalNumber(signal) };
      // `close` waits for everybody who inherited the pipes; a daemon that the program started must not hold us up.
      timer = setTimeout(() => resolve(exit), DRAIN_MS);
      const latest = performance.now() + DRAIN_AT_MOST_MS;
      const stillComing = (): void => {
        if (performance.now() < latest) timer?.refresh();
      };
      child.stdout?.on('data', stillComing);
      child.stderr?.on('data', stillComing);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(exit);
      });
    });
  });
}

function feed(child: ChildProcess, input: TargetCommand['stdin'], stop: (reason: unknown) => void): void {
  const { stdin } = child;
  if (stdin === null || input === undefined) return;
  // A program may end without reading all of its input: that is its business, not an error of ours.
  stdin.on('error', () => {});
  if (typeof input === 'string' || input instanceof Uint8Array) {
    stdin.end(typeof input === 'string' ? encodeOsText(input) : input);
    return;
  }
  input.once('error', stop);
  input.pipe(stdin);
}

function cannotRun(error: unknown, command: TargetCommand, cwd: string): TargetExit {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  // The system says ENOENT for a missing working directory as well.
  const noFolder = !existsSync(command.cwd ?? cwd);
  const notFound = !noFolder && (code === 'ENOENT' || code === 'ENOTDIR');
  const why = noFolder
    ? `there is no folder ${command.cwd ?? cwd}`
    : notFound
      ? 'no such program'
      : error instanceof Error
        ? error.message
        : String(error);
  command.onStderr?.(Buffer.from(`kiln: cannot run ${command.argv[0]}: ${why}\n`));
  return { code: notFound ? 127 : 126 };
}
