import { readlinkSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;
const KILL_FOR_MS = 8_000;

/**
 * The living processes of an instance: those that work in its folder and name it on their command line. Found by
 * looking, not by a recorded process id: nothing can be lost between starting a process and writing it down, and an id
 * that was used again is never taken for ours.
 */
export async function instanceProcesses(instanceId: string, folder: string): Promise<readonly number[]> {
  const entries = await readdir('/proc');
  const found = await Promise.all(
    entries.filter((entry) => /^\d+$/.test(entry)).map((entry) => belongs(Number(entry), instanceId, folder)),
  );
  return found.flatMap((pid) => pid ?? []);
}

async function belongs(pid: number, instanceId: string, folder: string): Promise<number | undefined> {
  try {
    // A process that is dead and not yet reaped has no working directory.
    if ((await readlink(`/proc/${pid}/cwd`)) !== folder) return undefined;
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(instanceId) ? pid : undefined;
  } catch {
    // Ended meanwhile, or somebody else's: then it is not ours either.
    return undefined;
  }
}

/**
 * Ends all processes of an instance at once and resolves when none is left. Their disks are for throwing away, so
 * nothing is asked of them. Rejects when the kernel does not let go of one for eight seconds.
 */
export async function killInstance(instanceId: string, folder: string): Promise<void> {
  const begin = performance.now();
  for (;;) {
    const pids = await instanceProcesses(instanceId, folder);
    if (pids.length === 0) return;
    if (performance.now() - begin > KILL_FOR_MS) {
      throw new Error(`process ${pids.join(', ')} of ${instanceId} does not end`);
    }
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    }
    await delay(LOOK_EVERY_MS);
  }
}

/** Whether a process that belonged to an instance still runs. */
export function isInstanceProcess(pid: number, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    return false;
  }
}

/**
 * Bytes of memory that a process has by now, also those that were swapped out; undefined when it has ended. Memory that a guest
 * has never touched is not among them.
 */
export async function memoryOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kibibytes = [...status.matchAll(/^Vm(?:RSS|Swap):\s+(\d+) kB$/gm)].map(([, value]) => Number(value));
  return kibibytes.length === 0 ? undefined : kibibytes.reduce((sum, value) => sum + value, 0) * 1024;
}
