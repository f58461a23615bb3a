import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { WorkerPlace } from '../engine/worker-place.ts';
import { lockFile } from '../util/file-lock.ts';

/** A worker's mark of life in its home: a file whose lock the kernel lets go of when the process ends, however it ends. */
export interface HeldPlace extends WorkerPlace, AsyncDisposable {
  /** `w-<uuid>`, of this process. */
  readonly workerId: string;
}

/** @param folder below the home; made when missing. */
export async function holdWorkerPlace(folder: string, signal: AbortSignal): Promise<HeldPlace> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const workerId = `w-${randomUUID()}`;
  const fileOf = (id: string): string => join(folder, `${id.replaceAll(/[^\w-]/g, '_')}.lock`);
  const lock = await lockFile(fileOf(workerId), signal);
  return {
    id: `${hostname()}:${await machineId()}:${await realpath(folder)}`,
    workerId,
    hasEnded: async (id) => {
      if (id === workerId) return false;
      const file = fileOf(id);
      if (!existsSync(file)) return true;
      const held = new AbortController();
      try {
        await using _free = await lockFile(file, held.signal, () => held.abort());
        // Nobody makes this name a second time.
        await rm(file, { force: true });
        return true;
      } catch (error) {
        if (held.signal.aborted) return false;
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      await rm(fileOf(workerId), { force: true });
      await lock.release();
    },
  };
}

/** Tells machines apart that have the same name; containers of one image may have the same, but then not the same home. */
async function machineId(): Promise<string> {
  const text = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return createHash('sha256').update(`kiln ${text.trim()}`).digest('hex').slice(0, 12);
}
