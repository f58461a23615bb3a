/** What is known of a server process from outside: its pid file and its place in /proc. */
import { readFile, readlink, realpath, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** `postmaster.pid`, as far as it is needed. Source: PostgreSQL manual, "Database File Layout". */
export interface PostmasterFile {
  readonly pid: number;
  readonly dataDir: string;
  readonly socketDir: string;
  /** `starting`, `ready`, `stopping`, `standby`; empty in the first moments. */
  readonly status: string;
}

export async function readPostmasterFile(dataDir: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, dataDir: lines[1] ?? '', socketDir: lines[4] ?? '', status: lines[7] ?? '' };
}

/**
 * Whether `pid` is a server on `dataDir`: a postmaster works in its data directory. A process that got the pid of a
 * server that died is not.
 */
export async function isPostmasterOf(pid: number, dataDir: string): Promise<boolean> {
  try {
    const [cwd, program, wanted] = await Promise.all([
      readlink(`/proc/${pid}/cwd`),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      realpath(dataDir),
    ]);
    return cwd === wanted && path.basename(program.split('\0')[0] ?? '') === 'postgres';
  } catch {
    return false;
  }
}

/**
 * Makes a pid file stale whose pid now belongs to another program, which would keep the server from starting. The file
 * stays, because the server finds in it the shared memory by which it notices children of its dead predecessor.
 */
export async function forgetPid(dataDir: string): Promise<void> {
  const file = path.join(dataDir, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8')).split('\n');
  lines[0] = String(IMPOSSIBLE_PID);
  await writeFile(`${file}.new`, lines.join('\n'), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Above the highest `kernel.pid_max`, 2^22. */
const IMPOSSIBLE_PID = 2 ** 30;

/** Whether any process has this pid. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
