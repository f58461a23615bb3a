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
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/start.ts';
import { connectStore, type Store } from './open-store.ts';
import { addressOf, administer, copyTestCluster, makeTemplate, TEMPLATE } from './test-cluster.ts';
import { silentLog } from './test-log.ts';

export { silentLog };

/** A store on a database of its own, with all tables and no rows: `await using store = await openTestStore()`. */
export async function openTestStore(): Promise<Store> {
  const database = await createTestDatabase();
  return connectStore({ ...addressOf(await testServer()), database }, silentLog);
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
    const copied = await copyTestCluster(directory);
    const server = await startEmbeddedPostgres({ directory, log: silentLog, signal, durable: false });
    guard(server.pid, directory);
    if (!copied) await makeTemplate(server);
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
