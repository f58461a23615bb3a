import { mkdir, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { findRunningServer } from './adopt.ts';
import { askDataDirectory } from './ask.ts';
import { findPostgresBinaries } from './binaries.ts';
import { ensureDataDirectory, ROLE } from './data-directory.ts';
import { lastLines, rotate } from './server-log.ts';
import { FORGETFUL_SETTINGS, SETTINGS } from './settings.ts';
import { ensureSocketDirectory, PORT, releaseSocketDirectory } from './socket-directory.ts';
import { childServer, type ServerProcess, stopServer } from './stop-server.ts';
import { spawnUnprivileged } from './unprivileged.ts';

export interface EmbeddedPostgres extends AsyncDisposable {
  /** The directory of its socket; what pg calls `host`. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly pid: number;
  /** Whether it was running already, left by a Kiln that was killed. */
  readonly adopted: boolean;
  /** Resolves to true once it has ended, by itself or by `stop`, and to false when the signal is aborted before. */
  hasEnded(signal: AbortSignal): Promise<boolean>;
  /** Ends the server (open connections are cut, everything committed is on disk) and waits until it is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Holds `data/`, `socket/`, `server.log`; made when missing. */
  readonly directory: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** How long a server may take until it answers. Default 60 s: after a crash it first reads its log again. */
  readonly patienceMs?: number;
  /** Default true. False for data that may be lost with the machine (tests): nothing waits for the disk. */
  readonly durable?: boolean;
}

const POLL_MS = 20;

/**
 * Starts the PostgreSQL server of a directory, or adopts the one that runs there. At most one process may call this for
 * a directory at a time and use its server (home-lock.ts). Throws a BuilderFault that says why it cannot be used, and
 * the signal's reason after an abort; in both cases no server of ours is left.
 */
export async function startEmbeddedPostgres(options: StartOptions): Promise<EmbeddedPostgres> {
  const { log, signal, patienceMs = 60_000, durable = true } = options;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  signal.throwIfAborted();
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const directory = await realpath(options.directory);
  const dataDir = path.join(directory, 'data');

  const running = await findRunningServer(dataDir, deadline);
  signal.throwIfAborted();
  if (running !== undefined) {
    log.info({ pid: running.pid }, 'adopted the PostgreSQL server that an earlier kiln left running');
    return handle(running, running.host, directory, true);
  }

  const binaries = await findPostgresBinaries();
  const logFile = path.join(directory, 'server.log');
  await rotate(logFile);
  await using output = await open(logFile, 'a', 0o600);
  await ensureDataDirectory(binaries, dataDir, { output, logFile, signal, durable });
  const host = await ensureSocketDirectory(directory);
  const ownSettings = durable ? SETTINGS : { ...SETTINGS, ...FORGETFUL_SETTINGS };
  const settings = Object.entries({ ...ownSettings, unix_socket_directories: host, port: String(PORT) });
  const child = await spawnUnprivileged(
    binaries.postgres,
    ['-D', dataDir, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { output: output.fd, cwd: directory },
  );
  child.unref();
  const server = childServer(child);
  try {
    await untilReady(server, host, logFile, deadline);
    signal.throwIfAborted();
    return handle(server, host, directory, false);
  } catch (error) {
    await stopServer(server);
    await releaseSocketDirectory(directory, host);
    signal.throwIfAborted();
    throw error;
  }
}

async function untilReady(server: ServerProcess, host: string, logFile: string, deadline: AbortSignal): Promise<void> {
  for (;;) {
    const answer = await askDataDirectory(host).catch(coerceError);
    if (typeof answer === 'string') return;
    const ended = !(await server.isRunning());
    if (ended || deadline.aborted) {
      const what = ended ? 'did not start' : 'does not answer';
      throw new BuilderFault(`The embedded PostgreSQL ${what}:\n${await lastLines(logFile)}`, {
        where: logFile,
        cause: answer,
      });
    }
    await delay(POLL_MS);
  }
}

function handle(server: ServerProcess, host: string, directory: string, adopted: boolean): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= stopServer(server).then(() => releaseSocketDirectory(directory, host));
    return stopped;
  };
  const { pid, hasEnded } = server;
  return { host, port: PORT, user: ROLE, pid, adopted, hasEnded, stop, [Symbol.asyncDispose]: stop };
}
