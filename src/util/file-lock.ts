import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { BuilderFault, coerceError } from './faults.ts';

/** Held until it is disposed of, or until the process ends in whatever way: the lock is the kernel's (flock). */
export interface FileLock extends AsyncDisposable {
  release(): Promise<void>;
}

const HELD_BY_ANOTHER = 75;

/**
 * Waits for the exclusive lock of `file`, which is made when missing and must never be removed: two processes would
 * then lock two files. Also excludes other callers within this process.
 *
 * @param onWait called once when another holder is in the way.
 * @throws the signal's reason when aborted while waiting; BuilderFault when the machine has no `flock`.
 */
export async function lockFile(file: string, signal: AbortSignal, onWait: () => void = () => {}): Promise<FileLock> {
  signal.throwIfAborted();
  const handle = await open(file, 'a', 0o600);
  try {
    if (!(await flock(handle, ['--nonblock'], signal))) {
      onWait();
      await flock(handle, [], signal);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => {
    released ??= handle.close();
    return released;
  };
  return { release, [Symbol.asyncDispose]: release };
}

/**
 * Node has no flock(2), but such a lock belongs to the open file and not to a process: the program locks the file that
 * it inherits and ends, and the lock stays until our handle is closed.
 */
async function flock(handle: FileHandle, options: readonly string[], signal: AbortSignal): Promise<boolean> {
  // An abort before this point would never be noticed below.
  signal.throwIfAborted();
  const child = spawn('flock', ['--exclusive', ...options, '--conflict-exit-code', String(HELD_BY_ANOTHER), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', handle.fd],
    // Ctrl-C on a terminal goes to the whole foreground group; waiting ends by the signal that was passed in.
    detached: true,
  });
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [code] = await once(child, 'exit').catch((error: unknown) => {
      throw new BuilderFault(`The program flock (package util-linux) cannot be run: ${coerceError(error).message}`, {
        cause: error,
        missingPrerequisite: true,
      });
    });
    signal.throwIfAborted();
    if (code === 0) return true;
    if (code === HELD_BY_ANOTHER) return false;
    throw new BuilderFault(`A file cannot be locked: flock ended with ${code}`, {
      hint: 'It must be on a file system with locks.',
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
