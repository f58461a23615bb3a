import { spawn as nodeSpawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface RunOptions {
  /** Written to standard input, which is closed afterwards. Without it standard input is empty. */
  readonly stdin?: string | Uint8Array | Readable;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Ends the whole process group: SIGTERM, and SIGKILL after two seconds. */
  readonly signal?: AbortSignal;
  /** Called with chunks as they arrive. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  /** Bytes of each stream that are kept for the result; the tail is kept. Default 1 MiB. */
  readonly keepBytes?: number;
}

export interface RunResult {
  /** Exit code, or undefined when a signal ended the process. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const KILL_AFTER_MS = 2_000;

/**
 * Runs a program (never a shell string) in a process group of its own and waits for its end.
 * A non-zero exit is a result; a program that cannot be started rejects with the system error (`ENOENT` ...);
 * an abort rejects with the signal's reason after the whole group is gone.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const child = nodeSpawn(file, args, {
    stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const stdout = new TailBuffer(options.keepBytes ?? 1024 * 1024);
  const stderr = new TailBuffer(options.keepBytes ?? 1024 * 1024);
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    options.onStdout?.(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
    options.onStderr?.(chunk);
  });
  feed(child.stdin, options.stdin);

  let killTimer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    killGroup(child.pid, 'SIGTERM');
    killTimer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS);
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
    });
    options.signal?.throwIfAborted();
    return { code: code ?? undefined, signal: signal ?? undefined, stdout: stdout.bytes(), stderr: stderr.bytes() };
  } finally {
    clearTimeout(killTimer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function feed(stdin: NodeJS.WritableStream | null, input: RunOptions['stdin']): void {
  if (stdin === null || input === undefined) return;
  // A program may end without reading all of its input: that is its business, not an error of ours.
  stdin.on('error', () => {});
  if (typeof input === 'string' || input instanceof Uint8Array) stdin.end(input);
  else input.pipe(stdin);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group ended by itself in the meantime.
  }
}

class TailBuffer {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#chunks.length > 1 && this.#size - (this.#chunks[0]?.length ?? 0) >= this.#limit) {
      this.#size -= this.#chunks.shift()?.length ?? 0;
    }
  }

  bytes(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return all.length > this.#limit ? all.subarray(all.length - this.#limit) : all;
  }
}
