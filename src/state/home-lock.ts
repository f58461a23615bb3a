import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, mkdir, open, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BuilderFault, coerceError } from '../util/faults.ts';

/** The process that holds a home. */
export interface HomeOwner {
  readonly pid: number;
  /** Where its API listens; undefined while it is starting or ending. */
  readonly url: string | undefined;
}

/** The right to be the service of a home. It ends when it is released, or when the process ends in whatever way. */
export interface HomeLock extends AsyncDisposable {
  /** Absolute, without symbolic links. */
  readonly home: string;
  /** Tells other processes where the service listens (`service.json`). */
  publish(service: { readonly url: string }): Promise<void>;
  /** Takes `service.json` away and lets go. The store must be closed before. May be called twice. */
  release(): Promise<void>;
}

export type HomeLockResult =
  | { readonly acquired: true; readonly lock: HomeLock }
  /** `owner` is undefined in the moments in which the other process has not said yet who it is. */
  | { readonly acquired: false; readonly owner: HomeOwner | undefined };

/**
 * Takes the lock of a home when nobody has it. The lock is the kernel's (flock on `lock`), so that a killed owner leaves
 * nothing to clean up. The file itself stays for ever: removing it would let two processes lock two files.
 */
export async function lockHome(home: string): Promise<HomeLockResult> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const directory = await realpath(home);
  const file = await open(path.join(directory, 'lock'), 'a+', 0o600);
  try {
    if (!(await flock(file))) {
      await file.close();
      return { acquired: false, owner: await findOwner(directory) };
    }
    return { acquired: true, lock: await ownHome(directory, file) };
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** As {@link lockHome}, but waits while another process holds the home and has not published its URL. */
export async function lockHomeOrFindService(
  home: string,
  signal: AbortSignal,
): Promise<
  | { readonly acquired: true; readonly lock: HomeLock }
  | { readonly acquired: false; readonly service: { readonly pid: number; readonly url: string } }
> {
  for (;;) {
    signal.throwIfAborted();
    const result = await lockHome(home);
    if (result.acquired) return result;
    if (result.owner?.url !== undefined) {
      return { acquired: false, service: { pid: result.owner.pid, url: result.owner.url } };
    }
    await delay(50, undefined, { signal });
  }
}

/** Who owns a home now; undefined when nobody does. Only reads. */
export async function findOwner(home: string): Promise<HomeOwner | undefined> {
  const owner = await readJson<OwnerRecord>(path.join(home, 'lock'));
  if (owner === undefined || (await startTime(owner.pid)) !== owner.startTime) return undefined;
  const service = await readJson<ServiceRecord>(path.join(home, 'service.json'));
  return { pid: owner.pid, url: service?.id === owner.id ? service.url : undefined };
}

interface OwnerRecord {
  readonly pid: number;
  /** In clock ticks since boot: tells the owner from a process that got its pid later. */
  readonly startTime: string;
  /** Ties service.json to this owner. */
  readonly id: string;
}

interface ServiceRecord {
  readonly id: string;
  readonly pid: number;
  readonly url: string;
}

async function ownHome(directory: string, file: FileHandle): Promise<HomeLock> {
  const id = randomUUID();
  const serviceFile = path.join(directory, 'service.json');
  await rm(serviceFile, { force: true });
  const owner: OwnerRecord = { pid: process.pid, startTime: (await startTime(process.pid)) ?? '', id };
  await file.truncate();
  await file.write(`${JSON.stringify(owner)}\n`);
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    await rm(serviceFile, { force: true });
    await file.truncate();
    await file.close();
  };
  const releaseOnce = (): Promise<void> => {
    released ??= release();
    return released;
  };
  return {
    home: directory,
    async publish({ url }) {
      const service: ServiceRecord = { id, pid: process.pid, url };
      await writeFile(`${serviceFile}.new`, `${JSON.stringify(service)}\n`, { mode: 0o600 });
      await rename(`${serviceFile}.new`, serviceFile);
    },
    release: releaseOnce,
    [Symbol.asyncDispose]: releaseOnce,
  };
}

/**
 * Locks an open file. Node has no flock(2), but the lock belongs to the open file, not to the process: the `flock`
 * program locks the file that it inherits and ends, and the lock stays with ours until it is closed.
 */
async function flock(file: FileHandle): Promise<boolean> {
  const conflict = 75;
  const child = spawn('flock', ['--exclusive', '--nonblock', '--conflict-exit-code', String(conflict), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file.fd],
  });
  const [code] = await once(child, 'exit').catch((error: unknown) => {
    throw new BuilderFault(`The program flock (package util-linux) cannot be run: ${coerceError(error).message}`, {
      cause: error,
      missingPrerequisite: true,
    });
  });
  if (code === 0) return true;
  if (code === conflict) return false;
  throw new BuilderFault(`The home cannot be locked: flock ended with ${code}`, {
    hint: 'The home must be on a file system with locks.',
  });
}

/** When a process started (field 22 of /proc/PID/stat); undefined when there is none, or it is dead and not reaped. */
async function startTime(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the program's name in parentheses, which may hold spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}

/** Undefined for what is missing or half-written: both files are written by others at this moment. */
async function readJson<Content>(file: string): Promise<Content | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Content;
  } catch {
    return undefined;
  }
}
