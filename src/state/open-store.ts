import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import { BuilderFault, coerceError } from '../util/faults.ts';
import { type BuildJobs, buildJobs, type Connection } from './build-jobs.ts';
import { findRunningServer } from './embedded-postgres/adopt.ts';
import { ROLE } from './embedded-postgres/data-directory.ts';
import { keepEmbeddedPostgres } from './embedded-postgres/keep-running.ts';
import { PORT } from './embedded-postgres/socket-directory.ts';
import { migrate } from './migrate.ts';
import type { Database } from './tables.ts';

/** Everything that Kiln remembers, except disks. */
export interface Store extends AsyncDisposable {
  readonly db: Kysely<Database>;
  readonly jobs: BuildJobs;
  /**
   * Ends connections and the embedded server. Who listens to `jobs` must have ended before. Never fails half-way; may be
   * called twice.
   */
  close(): Promise<void>;
}

/**
 * Where the data is: under a home, whose lock the caller holds (home-lock.ts) until the store is closed, in an embedded
 * server; or in a PostgreSQL server (15 or newer) that somebody else runs.
 */
export type StorePlace = { readonly home: string } | { readonly databaseUrl: string };

export type OpenStoreOptions = StorePlace & {
  readonly log: Logger;
  /** Ends the opening; afterwards it has no effect. */
  readonly signal: AbortSignal;
};

const OLDEST_SERVER = 150_000;
const JOIN_MS = 10_000;

/** Opens the store and brings its tables up to date. Throws a BuilderFault when that cannot be done. */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { log, signal } = options;
  if ('databaseUrl' in options) return connectStore({ connectionString: options.databaseUrl }, log);
  await mkdir(options.home, { recursive: true, mode: 0o700 });
  const server = await keepEmbeddedPostgres({ directory: path.resolve(options.home, 'postgres'), log, signal });
  try {
    const { host, port, user } = server;
    await ensureDatabase({ host, port, user });
    const store = await connectStore({ host, port, user, database: 'kiln' }, log);
    const close = async (): Promise<void> => {
      await store.close();
      await server.stop();
    };
    return { ...store, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * Opens the store of a home that another process has open: its embedded server is used and goes on. Throws a BuilderFault
 * when no server runs there.
 */
export async function joinStore(options: {
  readonly home: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<Store> {
  const directory = path.resolve(options.home, 'postgres', 'data');
  const dataDirectory = await realpath(directory).catch(() => directory);
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(JOIN_MS)]);
  const server = await findRunningServer(dataDirectory, deadline);
  options.signal.throwIfAborted();
  if (server === undefined) {
    throw new BuilderFault(`No service runs on ${options.home}, and there is no other database.`, {
      hint: 'Start `kiln serve` first, or set DATABASE_URL.',
      missingPrerequisite: true,
    });
  }
  return connectStore({ host: server.host, port: PORT, user: ROLE, database: 'kiln' }, options.log);
}

/** Opens the store in a database of a running server. */
export async function connectStore(connection: Connection, log: Logger): Promise<Store> {
  const pool = new pg.Pool({
    ...connection,
    application_name: 'kiln',
    max: 20,
    connectionTimeoutMillis: 10_000,
    // A process that is frozen within a transaction must not keep the rows from whoever goes on with its builds.
    idle_in_transaction_session_timeout: 5_000,
  });
  // One that breaks in a transaction, between two queries, fails the next of them. Without a listener of its own it would
  // end the process.
  pool.on('connect', (client) => void client.on('error', () => {}));
  // A connection that breaks while idle is replaced; the next query says when that fails. Of those that are being closed,
  // the end of the server may be faster.
  let closed: Promise<void> | undefined;
  pool.on('error', (error) => {
    if (closed === undefined) log.warn({ err: error }, 'a database connection was lost');
  });
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  try {
    await checkServer(db);
    await migrate(db);
    const close = (): Promise<void> => {
      closed ??= db.destroy();
      return closed;
    };
    return { db, jobs: buildJobs(connection, log), close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function checkServer(db: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{ version: number }>`select current_setting('server_version_num')::int as version`
    .execute(db)
    .catch((error: unknown) => {
      throw new BuilderFault(`The database cannot be reached: ${coerceError(error).message}`, {
        cause: error,
        hint: 'Check DATABASE_URL.',
      });
    });
  const version = rows[0]?.version ?? 0;
  if (version >= OLDEST_SERVER) return;
  throw new BuilderFault(`PostgreSQL ${Math.floor(version / 10_000)} is too old for Kiln.`, {
    hint: 'Use PostgreSQL 15 or newer.',
    missingPrerequisite: true,
  });
}

async function ensureDatabase(server: { host: string; port: number; user: string }): Promise<void> {
  const client = new pg.Client({ ...server, database: 'postgres' });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rowCount } = await client.query(`select from pg_database where datname = 'kiln'`);
    if (rowCount === 0) await client.query('create database kiln');
  } finally {
    await client.end();
  }
}
