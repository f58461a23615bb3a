/**
 * A database for tests: one real server per test process, started by the first test that asks, and a fresh migrated
 * database per {@link openTestStore}. Import it at the top of a test file; it ends the server after the file's last test.
 * Every store must be closed: one that is open keeps the test process from ending.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/start.ts';
import { connectStore, type Store } from './open-store.ts';
import { silentLog } from './test-log.ts';

export { silentLog };

const TEMPLATE = 'kiln_template';

/** A store on a database of its own, with all tables and no rows: `await using store = await openTestStore()`. */
export async function openTestStore(): Promise<Store> {
  const database = await createTestDatabase();
  return connectStore({ ...address(await testServer()), database }, silentLog);
}

/** The name of a new, migrated database on the test server; for tests that open it themselves, or twice. */
export async function createTestDatabase(): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const server = await testServer();
  // By copying files: half the work of the default, which writes every page to the log.
  await administer(server, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  return name;
}

/** A `DATABASE_URL` of a database on the test server. */
export async function testDatabaseUrl(database: string): Promise<string> {
  const { host, user } = await testServer();
  return `postgresql://${user}@/${database}?host=${encodeURIComponent(host)}`;
}

interface TestServer extends EmbeddedPostgres {
  readonly directory: string;
}

let started: Promise<TestServer> | undefined;

function testServer(): Promise<TestServer> {
  started ??= startTestServer();
  return started;
}

after(async () => {
  const server = await started?.catch(() => undefined);
  await server?.stop();
  if (server !== undefined) await rm(server.directory, { recursive: true, force: true });
});

async function startTestServer(): Promise<TestServer> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'kiln-test-'));
  try {
    const { signal } = new AbortController();
    const server = await startEmbeddedPostgres({ directory, log: silentLog, signal, durable: false });
    guard(server.pid, directory);
    await administer(server, `create database ${TEMPLATE}`);
    await (await connectStore({ ...address(server), database: TEMPLATE }, silentLog)).close();
    return { ...server, directory };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Ends the server and removes its files when this process dies without its last hooks, by SIGKILL even: the guard's
 * standard input ends with the process.
 */
function guard(pid: number, directory: string): void {
  const script =
    'cat >/dev/null; [ -d "$2" ] || exit 0; kill -INT "$1"; while [ -e "/proc/$1/exe" ]; do sleep 0.1; done; rm -rf "$2"';
  const child = spawn('sh', ['-c', script, 'sh', String(pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
}

function address({ host, port, user }: EmbeddedPostgres): { host: string; port: number; user: string } {
  return { host, port, user };
}

/** Statements that cannot run in a transaction. A template is only copied while nobody is connected to it. */
async function administer(server: EmbeddedPostgres, statement: string): Promise<void> {
  const client = new pg.Client({ ...address(server), database: 'postgres' });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
