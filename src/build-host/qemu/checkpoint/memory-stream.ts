import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { coerceError } from '../../../util/faults.ts';
import type { MemoryTask } from './memory-thread.ts';

const THREAD = new URL('./memory-thread.ts', import.meta.url);

export interface MemoryReceiver extends AsyncDisposable {
  /** Resolves when QEMU has sent everything and it is in the file. */
  readonly received: Promise<void>;
}

/**
 * Listens on the unix socket `name` in `folder` for one stream, and writes it to a new file, compressed. Whoever asked
 * disposes of it; should that come before the end, `received` rejects with an AbortError.
 */
export async function receiveMemory(folder: string, name: string, file: string): Promise<MemoryReceiver> {
  const thread = await startThread(folder, name, { task: 'receive', file });
  try {
    await Promise.race([thread.listens, thread.ended]);
  } catch (error) {
    await thread[Symbol.asyncDispose]();
    throw error;
  }
  return {
    received: thread.ended,
    [Symbol.asyncDispose]: async () => {
      await thread[Symbol.asyncDispose]();
      await rm(join(folder, name), { force: true });
    },
  };
}

/** Sends a compressed file to the unix socket `name` in `folder`. Rejects when it is damaged, or when nobody takes it. */
export async function sendMemory(folder: string, name: string, file: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await using thread = await startThread(folder, name, { task: 'send', file });
  const stop = Promise.withResolvers<never>();
  const onAbort = (): void => stop.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([thread.ended, stop.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

interface Thread extends AsyncDisposable {
  readonly listens: Promise<unknown>;
  readonly ended: Promise<void>;
}

/**
 * A thread has a heap of its own, which is small. In the heap of a service each few dozen MiB of buffers made V8 look through
 * all that the service holds: a third of the time to go on from a checkpoint, and more the longer it had been running.
 */
async function startThread(folder: string, name: string, what: Omit<MemoryTask, 'socket'>): Promise<Thread> {
  // The path of a unix socket may have 107 bytes: this is a short one to the folder, for all threads.
  const handle = await open(folder, 'r');
  const workerData: MemoryTask = { ...what, socket: `/proc/self/fd/${handle.fd}/${name}` };
  const worker = new Worker(THREAD, { name: 'memory', workerData, execArgv: [] });
  const ended = Promise.withResolvers<void>();
  // Whoever waits for it may be gone by then.
  ended.promise.catch(() => {});
  worker.once('error', (error) => ended.reject(coerceError(error)));
  worker.once('exit', (code) =>
    code === 0 ? ended.resolve() : ended.reject(new Error(`The thread ended (${code}).`)),
  );
  const listens = once(worker, 'message');
  listens.catch(() => {});
  return {
    listens,
    ended: ended.promise,
    [Symbol.asyncDispose]: async () => {
      ended.reject(new DOMException('The transfer was given up.', 'AbortError'));
      await worker.terminate();
      await handle.close();
    },
  };
}
