import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import pg from 'pg';
import { isDatabaseLost, whileDatabaseReturns } from './database-lost.ts';
import { createTestDatabase, testDatabaseUrl } from './test-store.ts';

async function failure(work: () => Promise<unknown>): Promise<Error> {
  const error = await work().then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error);
  return error;
}

test('a server that is away, goes down, or cuts the connection is told from a query that is wrong', async () => {
  const url = await testDatabaseUrl(await createTestDatabase());
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  assert.equal(isDatabaseLost(await failure(() => client.query('select nonsense'))), false);
  assert.equal(
    isDatabaseLost(await failure(() => client.query('select pg_terminate_backend(pg_backend_pid())'))),
    true,
  );
  assert.equal(isDatabaseLost(await failure(() => client.query('select 1'))), true);

  const noSocket = new pg.Client({ host: '/nonexistent', user: 'x', database: 'x' });
  assert.equal(isDatabaseLost(await failure(() => noSocket.connect())), true);
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const cut = new pg.Client({ host: '127.0.0.1', port, user: 'x', database: 'x' });
  assert.equal(isDatabaseLost(await failure(() => cut.connect())), true);
  server.close();
  await once(server, 'close');
  const refused = new pg.Client({ host: '127.0.0.1', port, user: 'x', database: 'x' });
  assert.equal(isDatabaseLost(await failure(() => refused.connect())), true);
});

test('a server that has no room for another connection is away for a while', async () => {
  const url = await testDatabaseUrl(await createTestDatabase());
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query('create role crowded login connection limit 1');
  const { host, port, database } = owner;
  const first = new pg.Client({ host, port, database, user: 'crowded' });
  await first.connect();
  const full = await failure(() => new pg.Client({ host, port, database, user: 'crowded' }).connect());
  assert.equal(isDatabaseLost(full), true, full.message);
  await first.end();
  await owner.end();
});

test('a missing file is not a missing database', () => {
  assert.equal(isDatabaseLost(Object.assign(new Error('open x'), { code: 'ENOENT', syscall: 'open' })), false);
});

test('work is done again, and told so, until the database is back; other errors pass', async () => {
  const seen: boolean[] = [];
  const lost = new Error('Connection terminated unexpectedly');
  const result = await whileDatabaseReturns(async (again) => {
    seen.push(again);
    if (seen.length < 3) throw lost;
    return 'done';
  });
  assert.deepEqual([result, seen], ['done', [false, true, true]]);
  await assert.rejects(
    whileDatabaseReturns(() => Promise.reject(new TypeError('a bug'))),
    TypeError,
  );
});
