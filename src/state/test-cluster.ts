/**
 * A data directory that is made once for a whole run of the tests: making one takes more than a second, copying it a tenth
 * of that. Without {@link CLUSTER} in the environment (one test file alone) every server makes its own.
 */
import path from 'node:path';
import pg from 'pg';
import { run } from '../util/spawn.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/start.ts';
import { connectStore } from './open-store.ts';
import { silentLog } from './test-log.ts';

/** Names the directory of the embedded server whose data is copied. */
export const CLUSTER = 'KILN_TEST_CLUSTER';
/** A migrated database without rows, from which others are made. */
export const TEMPLATE = 'kiln_template';

/** Makes the data directory in `directory`; whoever asked removes it. Resolves to what belongs into the environment. */
export async function prepareTestCluster(
  directory: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  await using server = await startEmbeddedPostgres({ directory, log: silentLog, signal, durable: false });
  await makeTemplate(server);
  return { [CLUSTER]: directory };
}

/** Gives an empty `directory` the data of this run, for the server that is started there next; false where there is none. */
export async function copyTestCluster(directory: string): Promise<boolean> {
  const source = process.env[CLUSTER];
  if (source === undefined || source === '') return false;
  const { code, stderr } = await run('cp', ['-a', '--reflink=auto', path.join(source, 'data'), directory]);
  if (code !== 0) throw new Error(`the data directory of this run cannot be copied: ${stderr.toString()}`);
  return true;
}

export async function makeTemplate(server: EmbeddedPostgres): Promise<void> {
  await administer(server, `create database ${TEMPLATE}`);
  await (await connectStore({ ...addressOf(server), database: TEMPLATE }, silentLog)).close();
}

/** Statements that cannot run in a transaction. A template is only copied while nobody is connected to it. */
export async function administer(server: EmbeddedPostgres, statement: string): Promise<void> {
  const client = new pg.Client({ ...addressOf(server), database: 'postgres' });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export function addressOf({ host, port, user }: EmbeddedPostgres): { host: string; port: number; user: string } {
  return { host, port, user };
}
