import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface ResourceLimits {
  /** Processes and threads at a time. */
  readonly processes: number;
  /** Bytes of memory of all of them together, files in memory included. */
  readonly memory?: number;
  /** So many processors' time all of them together may take. */
  readonly processors?: number;
}

/** Control groups that bound what processes use together. */
export interface LimitGroups {
  /** Whoever writes a process id into all of these files, or 0 for itself, is counted with all it starts. */
  readonly members: readonly string[];
  /** What this system can bound; the rest is not bounded. */
  readonly bounded: ReadonlySet<keyof ResourceLimits>;
  /** To be called when all of them are gone. May be called again. */
  release(): Promise<void>;
}

/** Below which folder groups are made, and what bounds what: version 1, where each resource has its own, then version 2. */
const HIERARCHIES: readonly {
  readonly folder: string;
  readonly files: Partial<Record<keyof ResourceLimits, LimitFile>>;
}[] = [
  { folder: 'pids', files: { processes: { name: 'pids.max', text: String } } },
  { folder: 'memory', files: { memory: { name: 'memory.limit_in_bytes', text: String } } },
  { folder: 'cpu', files: { processors: { name: 'cpu.cfs_quota_us', text: (count) => String(count * PERIOD_US) } } },
  {
    folder: '.',
    files: {
      processes: { name: 'pids.max', text: String, controller: 'pids' },
      memory: { name: 'memory.max', text: String, controller: 'memory' },
      processors: { name: 'cpu.max', text: (count) => `${count * PERIOD_US} ${PERIOD_US}`, controller: 'cpu' },
    },
  },
];

interface LimitFile {
  readonly name: string;
  /** How the file says a limit. */
  readonly text: (limit: number) => string;
  /** What the group above has to hand down, in version 2. */
  readonly controller?: string;
}

export const CONTROL_GROUPS = '/sys/fs/cgroup';
/** The kernel's own period, of which processes get a part. */
const PERIOD_US = 100_000;
const RELEASE_TRIES = 50;

/**
 * Makes control groups with these limits, as far as the system has them and lets this process make them. Groups that
 * processes left behind which are gone are removed.
 *
 * @param mountedAt Where control groups are mounted.
 */
export async function limitResources(limits: ResourceLimits, mountedAt = CONTROL_GROUPS): Promise<LimitGroups> {
  const group = `kiln-${process.pid}-${randomBytes(6).toString('hex')}`;
  const folders: string[] = [];
  const bounded = new Set<keyof ResourceLimits>();
  for (const { folder: below, files } of HIERARCHIES) {
    const root = join(mountedAt, below);
    await removeStale(root);
    const wanted = Object.entries(files).flatMap(([key, file]) => {
      const resource = key as keyof ResourceLimits;
      const limit = limits[resource];
      return limit === undefined || bounded.has(resource) ? [] : [{ resource, file, limit }];
    });
    const folder = join(root, group);
    if (wanted.length === 0 || !(await succeeds(mkdir(folder)))) continue;
    let bounds = false;
    for (const { resource, file, limit } of wanted) {
      const path = join(folder, file.name);
      // One by one: the kernel takes all that are written at once, or none.
      if (file.controller !== undefined && !(await succeeds(access(path))))
        await succeeds(writeFile(join(root, 'cgroup.subtree_control'), `+${file.controller}`, { flag: 'r+' }));
      if (!(await succeeds(writeFile(path, file.text(limit), { flag: 'r+' })))) continue;
      bounded.add(resource);
      bounds = true;
    }
    if (bounds) folders.push(folder);
    else await succeeds(rmdir(folder));
  }
  const release = async (): Promise<void> => {
    await Promise.all(folders.splice(0).map(remove));
  };
  const members = folders.map((folder) => join(folder, 'cgroup.procs'));
  return { members, bounded, release };
}

/** The kernel takes a moment to forget processes that have ended. */
async function remove(folder: string): Promise<void> {
  for (let attempt = 1; attempt < RELEASE_TRIES; attempt++) {
    if (await succeeds(rmdir(folder))) return;
    await delay(20);
  }
}

async function removeStale(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    const owner = /^kiln-(\d+)-[0-9a-f]{12}$/.exec(name)?.[1];
    if (owner === undefined || (await succeeds(access(`/proc/${owner}`)))) continue;
    await succeeds(rmdir(join(root, name)));
  }
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
