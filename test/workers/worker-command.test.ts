/** `kiln serve --no-worker` and two `kiln worker`, as an operator starts them, each on a home of its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { readConfig } from '../../src/cmd/config.ts';
import { connect } from '../../src/cmd/connect.ts';
import { createWorkflowImage } from '../../src/cmd/workflow-image.fixture.ts';
import { connectStore } from '../../src/state/open-store.ts';
import type { Database } from '../../src/state/tables.ts';
import { createTestDatabase, silentLog, testDatabaseUrl } from '../../src/state/test-store.ts';
import { type KilnHome, type KilnProcess, makeKilnHome } from '../kiln-home.ts';

/** Others take the builds of a worker that is lost within this time. */
const TAKEN_OVER_SECONDS = 15;

/** Needs no guest, and goes on for as long as its function does. */
const WORKFLOW = `schemaVersion: 1.0
steps:
  - { name: Gate, action: WaitForAction, inputs: { lambdaFunctionName: hold } }
`;
const FUNCTION = 'export const handler = async () => { await fetch(process.env.HOLD); };\n';

/** Where functions come and wait until they are let go. */
async function openGate() {
  const held = new Map<string, ServerResponse>();
  const arrivals = new Map<string, () => void>();
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    held.set(name, response);
    arrivals.get(name)?.();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    urlOf: (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`,
    arrived: async (name: string): Promise<void> => {
      if (!held.has(name)) await new Promise<void>((resolve) => arrivals.set(name, resolve));
    },
    letGo: (name: string): void => void held.get(name)?.end(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An AMI that is a parent, and that nobody boots. */
async function importImage(home: KilnHome): Promise<string> {
  const disk = path.join(home.work, 'empty.raw');
  const content = Buffer.alloc(1024 * 1024);
  // The end of a partition table without partitions.
  content.writeUInt16LE(0xaa55, 510);
  writeFileSync(disk, content);
  return done(home.start(['import', disk, '--name', 'empty', '--platform', 'Linux']));
}

async function done(process: KilnProcess): Promise<string> {
  assert.equal(await process.ended, 0, process.stderr.join('\n'));
  return process.stdout[0] ?? '';
}

/** Starts `kiln worker`; gives its id as soon as it builds. */
async function startWorker(home: KilnHome, env: Readonly<Record<string, string>>) {
  const process = home.start(['worker'], env);
  const line = await process.line((text) => text.startsWith('kiln builds as '));
  return { process, id: line.replace('kiln builds as ', '') };
}

/** Asks for an image of one test workflow. */
async function createImage(home: KilnHome, env: Readonly<Record<string, string>>, parentImage: string) {
  const config = readConfig({ KILN_HOME: home.path, ...env }, {});
  await using connection = await connect(config, new AbortController().signal);
  return await createWorkflowImage(connection.client, { name: 'waits', type: 'TEST', data: WORKFLOW, parentImage });
}

/** Until the image is so; gives the time, by the clock of the database. */
async function untilImage(
  db: Kysely<Database>,
  where: { readonly worker_id?: string; readonly status?: 'AVAILABLE'; readonly parked?: boolean },
): Promise<Date> {
  for (;;) {
    const images = db.selectFrom('images').select(['status', 'worker_id', 'parked_until', 'reason']);
    const { status, worker_id, parked_until, reason, now } = await images
      .select(sql<Date>`clock_timestamp()`.as('now'))
      .executeTakeFirstOrThrow();
    assert.notEqual(status, 'FAILED', reason ?? '');
    const is = { worker_id, status, parked: parked_until !== null };
    if (Object.entries(where).every(([name, value]) => is[name as keyof typeof is] === value)) return now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a service without a worker builds nothing; a worker is killed, and the other one goes on with its build', {
  timeout: 180_000,
}, async () => {
  const env = { DATABASE_URL: await testDatabaseUrl(await createTestDatabase()) };
  await using store = await connectStore({ connectionString: env.DATABASE_URL }, silentLog);
  const { db } = store;
  await using gate = await openGate();
  await using serving = await makeKilnHome({ withBaseImages: false });
  await using one = await makeKilnHome({ withBaseImages: false });
  await using other = await makeKilnHome({ withBaseImages: false });
  const amiId = await importImage(one);
  // The service looks whether it is there; workers have disks of their own.
  for (const { path: home } of [serving, other]) {
    cpSync(path.join(one.path, 'images'), path.join(home, 'images'), { recursive: true });
  }
  for (const [name, home] of Object.entries({ one, other })) {
    const code = path.join(home.work, 'hold');
    mkdirSync(code);
    writeFileSync(path.join(code, 'index.mjs'), FUNCTION);
    const options = ['--timeout', '120', '--env', `HOLD=${gate.urlOf(name)}`];
    await done(home.start(['function', 'add', 'hold', code, ...options]));
  }

  const service = serving.start(['serve', '--no-worker', '--port', '0'], env);
  await service.line((line) => line.startsWith('kiln listens on'));
  const arn = await createImage(serving, env, amiId);
  assert.deepEqual(await db.selectFrom('workers').select('id').execute(), []);

  const first = await startWorker(one, env);
  await gate.arrived('one');
  const second = await startWorker(other, env);
  assert.deepEqual(
    (await db.selectFrom('workers').select('id').execute()).map(({ id }) => id).toSorted(),
    [first.id, second.id].toSorted(),
    'the service is none of them',
  );
  const before = await untilImage(db, { worker_id: first.id });
  first.process.child.kill('SIGKILL');
  const after = await untilImage(db, { worker_id: second.id });
  const seconds = (after.getTime() - before.getTime()) / 1000;
  assert.ok(seconds <= TAKEN_OVER_SECONDS, `taken over after ${seconds} s`);

  await gate.arrived('other');
  gate.letGo('other');
  await untilImage(db, { parked: true });
  assert.equal(await done(serving.start(['approve', arn], env)), `approved Gate of ${arn}`);
  await untilImage(db, { status: 'AVAILABLE' });
  const { worker_id: builder } = await db.selectFrom('images').select('worker_id').executeTakeFirstOrThrow();
  assert.equal(builder, second.id);

  second.process.child.kill('SIGTERM');
  assert.equal(await second.process.ended, 0, second.process.stderr.join('\n'));
  const left = await db.selectFrom('workers').select('id').execute();
  assert.deepEqual(
    left,
    [{ id: first.id }],
    'one that ends says so; of one that was killed its next one on that home does',
  );
});
