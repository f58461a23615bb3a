import type { ChildProcess } from 'node:child_process';
import { mkdir, open, readFile, realpath, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { findPostgresBinaries } from './binaries.ts';
import { ensureDataDirectory, ROLE } from './data-directory.ts';
import { forgetPid, isPostmasterOf, readPostmasterFile } from './postmaster.ts';
import { SETTINGS } from './settings.ts';
import { ensureSocketDirectory, PORT } from './socket-directory.ts';
import { spawnUnprivileged } from './unprivileged.ts';

export interface EmbeddedPostgres extends AsyncDisposable {
  /** The directory of its socket; what pg calls `host`. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly pid: number;
  /** Whether it was running already, left by a Kiln that was killed. */
  readonly adopted: boolean;
  /** Ends the server (open connections are cut, everything committed is on disk) and waits until it is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Absolute. Holds `data/`, `socket/`, `server.log`; made when missing. */
  readonly directory: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/**
 * Starts the PostgreSQL server of a directory, or adopts the one that runs there. At most one process may call this for
 * a directory at a time and use its server (home-lock.ts). Throws a BuilderFault that says why it cannot be used.
 */
export async function startEmbeddedPostgres(options: StartOptions): Promise<EmbeddedPostgres> {
  const { log, signal } = options;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const directory = await realpath(options.directory);
  const dataDir = path.join(directory, 'data');
  const running = await findRunning(dataDir, deadline);
  if (running !== undefined) {
    log.info({ pid: running.pid }, 'adopted the PostgreSQL server that an earlier kiln left running');
    return running;
  }
  const binaries = await findPostgresBinaries();
  const logFile = path.join(directory, 'server.log');
  await rotate(logFile);
  await using output = await open(logFile, 'a', 0o600);
  await ensureDataDirectory(binaries, dataDir, output);
  const host = await ensureSocketDirectory(directory);
  signal.throwIfAborted();
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: host, port: String(PORT) });
  const child = await spawnUnprivileged(
    binaries.postgres,
    ['-D', dataDir, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { output: output.fd, cwd: directory },
  );
  child.unref();
  const server = handle(host, Number(child.pid), dataDir, false);
  try {
    await untilReady(server, child, logFile, deadline);
  } catch (error) {
    await server.stop();
    signal.throwIfAborted();
    throw error;
  }
  return server;
}

/** The server that runs on this directory already; undefined when a new one may be started. */
async function findRunning(dataDir: string, deadline: AbortSignal): Promise<EmbeddedPostgres | undefined> {
  for (;;) {
    const file = await readPostmasterFile(dataDir);
    if (file === undefined) return undefined;
    if (!(await isPostmasterOf(file.pid, dataDir))) {
      if (isAlive(file.pid)) await forgetPid(dataDir);
      return undefined;
    }
    // One that is starting or stopping decides itself in a moment.
    if (file.status === 'ready') {
      const found = await askDataDirectory(file.socketDir).catch(coerceError);
      if (found === file.dataDir && found === dataDir) return handle(file.socketDir, file.pid, dataDir, true);
      if (typeof found === 'string' || deadline.aborted) throw notOurs(file.pid, dataDir, found);
    }
    if (deadline.aborted) throw notOurs(file.pid, dataDir, new Error(`its status is '${file.status}'`));
    await delay(POLL_MS);
  }
}

function notOurs(pid: number, dataDir: string, found: string | Error): BuilderFault {
  const why = typeof found === 'string' ? `it says that its data is in ${found}` : found.message;
  return new BuilderFault(`A PostgreSQL server (pid ${pid}) that this kiln cannot use runs on its data: ${why}`, {
    where: dataDir,
    hint: `End it with \`kill -INT ${pid}\` and start kiln again.`,
  });
}

async function askDataDirectory(host: string): Promise<string> {
  const client = new pg.Client({ host, port: PORT, user: ROLE, database: 'postgres', connectionTimeoutMillis: 5_000 });
  // A server that goes away says so a second time, as an event.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory ?? '';
  } finally {
    await client.end().catch(() => {});
  }
}

async function untilReady(
  server: EmbeddedPostgres,
  child: ChildProcess,
  logFile: string,
  deadline: AbortSignal,
): Promise<void> {
  for (;;) {
    const answer = await askDataDirectory(server.host).catch(coerceError);
    if (typeof answer === 'string') return;
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || deadline.aborted) {
      const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-5).join('\n');
      throw new BuilderFault(`The embedded PostgreSQL ${ended ? 'did not start' : 'does not answer'}:\n${lines}`, {
        where: logFile,
        cause: answer,
      });
    }
    await delay(POLL_MS);
  }
}

function handle(host: string, pid: number, dataDir: string, adopted: boolean): EmbeddedPostgres {
  const stop = async (): Promise<void> => {
    // SIGINT is the server's fast shutdown.
    if (isAlive(pid) && (!adopted || (await isPostmasterOf(pid, dataDir)))) process.kill(pid, 'SIGINT');
    while (isAlive(pid) && (await isPostmasterOf(pid, dataDir))) await delay(POLL_MS);
  };
  let stopped: Promise<void> | undefined;
  const stopOnce = (): Promise<void> => {
    stopped ??= stop();
    return stopped;
  };
  return { host, port: PORT, user: ROLE, pid, adopted, stop: stopOnce, [Symbol.asyncDispose]: stopOnce };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function rotate(logFile: string): Promise<void> {
  const size = (await stat(logFile).catch(() => undefined))?.size ?? 0;
  if (size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`);
}
