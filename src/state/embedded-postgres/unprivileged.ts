import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { BuilderFault, coerceError } from '../../util/faults.ts';

export interface UnprivilegedOptions {
  /** Standard output and standard error: an open file. */
  readonly output: number;
  readonly cwd?: string;
}

/**
 * Starts a program that refuses to run as root, in a process group of its own. When this process is root, the program
 * runs in a user namespace in which root's files belong to `nobody` and `nobody` runs: it can do what root can do with
 * files (homes and checkouts of other users included), and nothing else. No user has to be made and no file changes its
 * owner. Resolves when the program was started; the caller ends it.
 */
export async function spawnUnprivileged(
  file: string,
  args: readonly string[],
  { output, cwd }: UnprivilegedOptions,
): Promise<ChildProcess> {
  const place = cwd === undefined ? {} : { cwd };
  if (process.getuid?.() !== 0) {
    const child = spawn(file, args, { stdio: ['ignore', output, output], detached: true, ...place });
    await once(child, 'spawn');
    return child;
  }
  // The shell waits inside the new namespace until its ids are mapped; before that it is nobody with no rights.
  const wait = 'echo ready >&3; exec 3>&-; read -r go && exec "$@" </dev/null';
  const keepFileAccess = ['--inh-caps', FILE_ACCESS, '--ambient-caps', FILE_ACCESS, '--bounding-set', FILE_ACCESS];
  const child = spawn(
    'unshare',
    ['--user', '--keep-caps', 'sh', '-c', wait, 'sh', 'setpriv', ...keepFileAccess, file, ...args],
    { stdio: ['pipe', output, output, 'pipe'], detached: true, ...place },
  );
  try {
    await once(child, 'spawn');
    if (!(await saysReady(child))) throw new Error('the kernel refused a new user namespace');
    const nobody = findOrdinaryUser(readFileSync('/etc/passwd', 'utf8'));
    writeFileSync(`/proc/${child.pid}/uid_map`, swapRoot(readFileSync('/proc/self/uid_map', 'utf8'), nobody));
    writeFileSync(`/proc/${child.pid}/gid_map`, swapRoot(readFileSync('/proc/self/gid_map', 'utf8'), nobody));
    child.stdin?.end('go\n');
    return child;
  } catch (error) {
    child.kill('SIGKILL');
    throw new BuilderFault(
      `PostgreSQL does not run as root, and it could not be run in a user namespace: ${coerceError(error).message}`,
      {
        cause: error,
        hint: 'Run kiln as another user than root, allow user namespaces, or set DATABASE_URL to a PostgreSQL server.',
        missingPrerequisite: true,
      },
    );
  }
}

const FILE_ACCESS = '-all,+dac_override';

async function saysReady(child: ChildProcess): Promise<boolean> {
  const ready = child.stdio[3] as Readable;
  const exited = once(child, 'exit').then(() => false);
  const spoke = once(ready, 'data').then(() => true);
  return Promise.race([spoke, exited]);
}

/** A user that /etc/passwd knows, because initdb looks its own name up: nobody, or else the first that is not root. */
export function findOrdinaryUser(passwd: string): number {
  const users = passwd.split('\n').flatMap((line) => {
    const [name, , uid] = line.split(':');
    return name === undefined || uid === undefined || !/^[1-9][0-9]*$/.test(uid) ? [] : [{ name, uid: Number(uid) }];
  });
  const found = users.find((user) => user.name === 'nobody') ?? users[0];
  if (found === undefined) throw new Error('/etc/passwd has no user but root');
  return found.uid;
}

/**
 * An id map (lines `inside outside count`) for a namespace below one with the map `parent`: every id that exists there
 * stays itself, except that 0 and `other` change places.
 */
export function swapRoot(parent: string, other: number): string {
  const ranges = parent
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([start = 0, , count = 0]) => ({ start, end: start + count }));
  const isMapped = (id: number): boolean => ranges.some(({ start, end }) => id >= start && id < end);
  const lines = [`${other} 0 1`];
  if (isMapped(other)) lines.push(`0 ${other} 1`);
  for (const range of ranges) {
    let { start } = range;
    const cuts = [0, other].filter((id) => id >= start && id < range.end).sort((a, b) => a - b);
    for (const cut of [...cuts, range.end]) {
      if (cut > start) lines.push(`${start} ${start} ${cut - start}`);
      start = cut + 1;
    }
  }
  return `${lines.join('\n')}\n`;
}
