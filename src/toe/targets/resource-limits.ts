import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface ResourceLimits {
  /** Processes and threads at a time. */
  readonly processes: number;
  /** Bytes of memory of all of them together, files in memory included. */
  readonly memory?: number;
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

/** Where control groups are made and what bounds them: version 1, where each resource has its own, then version 2. */
const HIERARCHIES: readonly {
  readonly root: string;
  readonly files: Partial<Record<keyof ResourceLimits, string>>;
}[] = [
  { root: '/sys/fs/cgroup/pids', files: { processes: 'pids.max' } },
  { root: '/sys/fs/cgroup/memory', files: { memory: 'memory.limit_in_bytes' } },
  { root: '/sys/fs/cgroup', files: { processes: 'pids.max', memory: 'memory.max' } },
];
const RELEASE_TRIES = 50;

/**
 * Makes control groups with these limits, as far as the system has them and lets this process make them. Groups that
 * processes left behind which are gone are removed.
 */
export async function limitResources(limits: ResourceLimits): Promise<LimitGroups> {
  const name = `kiln-${process.pid}-${randomBytes(6).toString('hex')}`;
  const folders: string[] = [];
  const bounded = new Set<keyof ResourceLimits>();
  for (const { root, files } of HIERARCHIES) {
    await removeStale(root);
    const wanted = Object.entries(files).flatMap(([key, file]) => {
      const resource = key as keyof ResourceLimits;
      const limit = limits[resource];
      return limit === undefined || bounded.has(resource) ? [] : [{ resource, file, limit }];
    });
    const folder = join(root, name);
    if (wanted.length === 0 || !(await succeeds(mkdir(folder)))) continue;
    // Version 2: what a group can bound is what the group above it hands down.
    if (!(await succeeds(access(join(folder, wanted[0]?.file ?? '')))))
      await succeeds(writeFile(join(root, 'cgroup.subtree_control'), '+pids +memory', { flag: 'r+' }));
    let bounds = false;
    for (const { resource, file, limit } of wanted) {
      if (!(await succeeds(writeFile(join(folder, file), String(limit), { flag: 'r+' })))) continue;
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
