import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A control group that bounds how many processes there are. */
export interface ProcessLimit {
  /** Whoever writes a process id there, or 0 for itself, is counted with all it starts. */
  readonly members: string;
  /** To be called when all of them are gone. */
  release(): Promise<void>;
}

/** Where control groups that count processes are made: version 1, then version 2. */
const ROOTS = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'];
const RELEASE_TRIES = 50;

/**
 * Makes a control group for at most so many processes; undefined where the system has none that this process may make.
 * Those that processes left behind which are gone are removed.
 */
export async function limitProcesses(most: number): Promise<ProcessLimit | undefined> {
  for (const root of ROOTS) {
    await removeStale(root);
    const folder = join(root, `kiln-${process.pid}-${randomBytes(6).toString('hex')}`);
    try {
      await mkdir(folder);
    } catch {
      continue;
    }
    const release = async (): Promise<void> => {
      // The kernel takes a moment to forget processes that have ended.
      for (let attempt = 1; attempt < RELEASE_TRIES; attempt++) {
        if (
          await rmdir(folder).then(
            () => true,
            () => false,
          )
        )
          return;
        await delay(20);
      }
    };
    try {
      await access(join(folder, 'pids.max'));
      await writeFile(join(folder, 'pids.max'), String(most));
      return { members: join(folder, 'cgroup.procs'), release };
    } catch {
      await rmdir(folder).catch(() => {});
    }
  }
  return undefined;
}

async function removeStale(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    const owner = /^kiln-(\d+)-[0-9a-f]{12}$/.exec(name)?.[1];
    if (
      owner === undefined ||
      (await access(`/proc/${owner}`).then(
        () => true,
        () => false,
      ))
    )
      continue;
    await rmdir(join(root, name)).catch(() => {});
  }
}
