import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Logger, pino } from 'pino';
import { silentLog } from '../test-log.ts';
import { type KeptPostgres, keepEmbeddedPostgres } from './keep-running.ts';
import { isPostmasterOf } from './postmaster.ts';

async function openKept(log: Logger = silentLog) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'kiln-pg-'));
  const server = await keepEmbeddedPostgres({ directory, log, signal: new AbortController().signal });
  return {
    directory,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function query({ host, port, user }: KeptPostgres, text: string): Promise<unknown[]> {
  const client = new pg.Client({ host, port, user, database: 'postgres' });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end().catch(() => {});
  }
}

/** Asks until there is an answer. */
async function untilAnswered(server: KeptPostgres, text: string): Promise<unknown[]> {
  for (;;) {
    const rows = await query(server, text).catch(() => undefined);
    if (rows !== undefined) return rows;
    await delay(10);
  }
}

test('a server that was killed runs again, as often as it is, with everything that was committed', async () => {
  await using place = await openKept();
  const { server } = place;
  await query(server, 'create table kept (number integer)');
  for (const number of [1, 2]) {
    await query(server, `insert into kept values (${number})`);
    const before = server.pid;
    process.kill(before, 'SIGKILL');
    const rows = await untilAnswered(server, 'select count(*)::int from kept');
    assert.deepEqual(rows, [number]);
    // It may answer before its start is known to be complete.
    while (server.pid === before) await delay(10);
  }
});

/** Servers of a directory, and what a server that was killed had just begun to be: that has its name for a moment. */
async function serversOf(directory: string): Promise<readonly number[]> {
  const data = path.join(directory, 'data');
  const processes = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const are = await Promise.all(processes.map((pid) => isPostmasterOf(pid, data)));
  return processes.filter((_, index) => are[index]);
}

for (const when of ['at once', 'in the middle of its next start']) {
  test(`a server that was killed and is stopped ${when} stays so`, { timeout: 60_000 }, async () => {
    const starting = Promise.withResolvers<void>();
    await using place = await openKept(pino({ level: 'error' }, { write: () => starting.resolve() }));
    const { server, directory } = place;
    process.kill(server.pid, 'SIGKILL');
    if (when !== 'at once') await starting.promise;
    await Promise.all([server.stop(), server.stop()]);
    assert.equal(await isPostmasterOf(server.pid, path.join(directory, 'data')), false);
    // Children notice that their server is gone; one that somebody had started again would stay.
    while ((await serversOf(directory)).length > 0) await delay(10);
    await assert.rejects(query(server, 'select 1'));
  });
}
