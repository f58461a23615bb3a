import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BuilderFault } from '../../util/faults.ts';
import type { PostgresBinaries } from './binaries.ts';
import { lastLines } from './server-log.ts';
import { spawnUnprivileged } from './unprivileged.ts';

/** The major version of the packaged server; a data directory of another one cannot be opened by it. */
const MAJOR = '18';

/** The database role of everybody here: who may open the socket's directory is the owner of the data. */
export const ROLE = 'kiln';

export interface DataDirectoryOptions {
  /** What initdb says goes there, */
  readonly output: FileHandle;
  /** the open file with this name. */
  readonly logFile: string;
  readonly signal: AbortSignal;
  /** Whether to wait until the disk has it. */
  readonly durable: boolean;
}

/**
 * Makes the data directory when it is not there: into a neighbour, which is renamed when it is complete, so that a
 * crash on the way leaves nothing that looks like a database. Refuses a directory of another major version.
 * After an abort the signal's reason is thrown.
 *
 * Text is UTF-8 and sorted by code point on every host, so that a copied directory keeps its indexes valid.
 */
export async function ensureDataDirectory(
  binaries: PostgresBinaries,
  dataDir: string,
  { output, logFile, signal, durable }: DataDirectoryOptions,
): Promise<void> {
  if (existsSync(dataDir)) return checkVersion(dataDir);
  const unfinished = `${dataDir}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const child = await spawnUnprivileged(
    binaries.initdb,
    [
      ...['-D', unfinished],
      ...['--username', ROLE],
      ...['--auth', 'trust'],
      ...['--encoding', 'UTF8'],
      ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C'],
      ...['--set', 'dynamic_shared_memory_type=mmap'],
      '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ],
    { output: output.fd, cwd: path.dirname(dataDir) },
  );
  const exited = once(child, 'exit');
  const group = -Number(child.pid);
  const end = (): void => void signalGroup(group, 'SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const [code] = await exited.finally(() => signal.removeEventListener('abort', end));
  if (code !== 0) {
    // The server processes that initdb used may outlive it for a moment, and write. (Not for ever: dead ones count as
    // members of the group until somebody reaps them, and in some containers nobody does.)
    for (let turn = 0; turn < 100 && signalGroup(group, 'SIGKILL'); turn++) await delay(5);
    await rm(unfinished, { recursive: true, force: true });
    signal.throwIfAborted();
    throw new BuilderFault(`The embedded PostgreSQL could not make its data:\n${await lastLines(logFile)}`, {
      where: dataDir,
    });
  }
  await rename(unfinished, dataDir);
  if (!durable) return;
  const parent = await open(path.dirname(dataDir));
  await parent.sync().finally(() => parent.close());
}

/** False when nobody is left in the group. */
function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(group, signal);
  } catch {
    return false;
  }
}

async function checkVersion(dataDir: string): Promise<void> {
  const version = (await readFile(path.join(dataDir, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (version === MAJOR) return;
  throw new BuilderFault(
    version === ''
      ? 'The directory of the embedded PostgreSQL holds no database.'
      : `The embedded PostgreSQL is version ${MAJOR}; the database was made by version ${version}.`,
    { where: dataDir, hint: `Move it away, or serve it with PostgreSQL ${version || MAJOR} and set DATABASE_URL.` },
  );
}
