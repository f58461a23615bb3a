import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import { ACCOUNT } from '../../src/engine/simulated/build-bench.ts';
import { startMortalWorker } from '../../src/engine/simulated/mortal-worker.ts';
import { ROOMY } from '../../src/engine/simulated/roomy.ts';
import { simulatedBuildHost } from '../../src/engine/simulated/simulated-build-host.ts';
import { simulatedCheckpoints } from '../../src/engine/simulated/simulated-checkpoints.ts';
import { simulatedCatalog, simulatedImageStore } from '../../src/engine/simulated/simulated-image-store.ts';
import { putRule, readRule } from '../../src/events/rules.ts';
import { keepEmbeddedPostgres } from '../../src/state/embedded-postgres/keep-running.ts';
import { connectStore, type Store } from '../../src/state/open-store.ts';
import type { Database } from '../../src/state/tables.ts';
import { silentLog } from '../../src/state/test-log.ts';
import { requestImageCancellation } from '../../src/state/transitions/request-image-cancellation.ts';
import { BuildFailure } from '../../src/util/faults.ts';
import type { Build, Mishap } from './any-build.ts';
import { Cast } from './cast.ts';
import { checkBuild } from './check-build.ts';
import { Effects } from './effects.ts';
import { insertBuild } from './insert-build.ts';
import { hurriedClock, Receiver, startMortalServer } from './mortal-server.ts';
import { startOperator } from './operator.ts';
import { Outside } from './outside.ts';
import { tolerant, untilNone } from './tolerant.ts';

const WORKERS = 2;
const BUILDS_AT_A_TIME = 8;

/** A database server, and builds on it that come to grief. */
export interface World extends AsyncDisposable {
  /** Lets builds run while mishaps happen, and asserts that all of them end as they must. */
  run(builds: readonly Build[], mishaps: readonly Mishap[]): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kiln-chaos-'));
  const directory = path.join(folder, 'postgres');
  const signal = new AbortController().signal;
  const server = await keepEmbeddedPostgres({ directory, log: silentLog, signal, durable: false });
  const { host, port, user } = server;
  const connection = { host, port, user, database: 'postgres' };
  await keepCommits(connection);
  /** Ends the server, which then starts again. */
  const end = async (how: NodeJS.Signals): Promise<void> => {
    const { pid } = server;
    process.kill(pid, how);
    await untilNone('The database server stays', async () => [server.pid].filter((now) => now === pid));
  };
  const store = await connectStore(connection, silentLog);
  const targets = { receiver: { kind: 'webhook', url: 'https://example.org/' } };
  await putRule(store.db, readRule({ name: 'all', pattern: { source: [{ exists: true }] }, targets }), new Date());
  let builds = 0;
  const insert = (build: Build): Promise<string> => insertBuild(store, build, `image-${builds++}`);
  return {
    run: (all, mishaps) => runScenario({ folder, store, connection, end, insert }, all, mishaps),
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly folder: string;
  readonly store: Store;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  readonly end: (how: NodeJS.Signals) => Promise<void>;
  readonly insert: (build: Build) => Promise<string>;
}

async function runScenario(place: Place, builds: readonly Build[], mishaps: readonly Mishap[]): Promise<void> {
  const { store, connection } = place;
  const { db } = store;
  const rooms = await mkdtemp(path.join(place.folder, 'rooms-'));
  const effects = new Effects(rooms);
  const outside = new Outside();
  const images = simulatedImageStore();
  const checkpoints = simulatedCheckpoints(path.join(rooms, 'checkpoints'));
  const room = simulatedBuildHost(rooms, new Map(), { respond: effects.respond });
  images.faults.capture = async ({ amiId, diskPath }) => {
    assert.ok(!effects.captured.has(amiId), `${amiId} was captured twice`);
    effects.capture(amiId, diskPath);
  };
  images.faults.reuse = async ({ amiId, of }) => {
    effects.captured.set(amiId, effects.captured.get(of) ?? []);
  };
  const unlucky = new Set<string>();
  const parents = await Promise.all([...images.images.keys()].map((amiId) => images.bootDisk(amiId)));
  room.faults.launch = async ({ owner, parentDisk }) => {
    // Of a build instance: one that finds its image built from the same things launches none, and its tests are lucky.
    const builds = parents.some(({ path: parent }) => parent === parentDisk.path);
    if (builds && unlucky.delete(owner)) throw new BuildFailure('There was no room');
  };
  const pending = [...mishaps];
  const happening: Promise<unknown>[] = [];
  let uses = 0;
  /** Something is used, by a worker or, without one, by the server. */
  const onUse = (weight: number, workerId?: string): void => {
    const [next] = pending;
    if (next === undefined) return;
    uses += weight;
    if (uses < next.after) return;
    uses = 0;
    pending.shift();
    const mishap = happen(next.what, workerId);
    // It is heard of when the builds have ended.
    mishap.catch(() => {});
    happening.push(mishap);
  };
  const receiver = new Receiver();
  const clock = hurriedClock();
  await using cast = new Cast(db, {
    worker: (id) =>
      startMortalWorker({
        ...{ id, connection, onUse: (weight) => onUse(weight, id) },
        room: { ...ROOMY, capacity: async () => ({ ...(await ROOMY.capacity()), builds: BUILDS_AT_A_TIME }) },
        engine: {
          ...{ buildHost: room, imageStore: images, catalog: simulatedCatalog(images), checkpoints },
          // What takes milliseconds here takes seconds there, and is worth keeping.
          ...{ clock, ...outside.ports },
          ...{ log: silentLog, accountId: ACCOUNT, region: 'us-east-1' },
          place: { id: rooms, hasEnded: async (other) => !cast.workers.has(other) },
        },
      }),
    server: () => startMortalServer({ connection, clock, receiver, onUse: () => onUse(1) }),
  });
  const happen = async (what: Mishap['what'], workerId: string | undefined): Promise<void> => {
    if (what === 'restart') return place.end('SIGINT');
    if (what === 'crash') return place.end('SIGKILL');
    if (what === 'cut') return cutConnections(db);
    if (workerId === undefined) return cast.killServer();
    return cast[what](workerId);
  };

  const arns: string[] = [];
  for (const build of builds) {
    const arn = await place.insert(build);
    arns.push(arn);
    if (build.launch?.fails === true) unlucky.add(arn);
  }
  for (let index = 0; index < WORKERS; index++) cast.add();
  cast.serve();
  await using _woken = store.jobs.listen(() => {
    for (const worker of cast.workers.values()) worker.wake();
  });
  await using operator = startOperator(store);
  for (const arn of arns) await tolerant(() => store.jobs.enqueue(db, arn));
  for (const [index, { cancelled }] of builds.entries()) {
    const imageArn = arns[index] ?? '';
    if (cancelled) await tolerant(() => requestImageCancellation(db, { imageArn, at: new Date() }, store.jobs));
  }
  await untilEnded(db, arns);
  pending.length = 0;
  await Promise.all(happening);
  await operator[Symbol.asyncDispose]();
  await untilDelivered(db);
  await cast.leave();
  // What a process was about to do when it was killed may be there after all: the next worker ends it when it starts.
  cast.add();
  await cast.leave();
  await cast.stopServing();
  const workersLeft = mishaps.some(({ what }) => what === 'end');
  const evidence = { db, images, room, effects, outside, workersLeft, received: receiver.received };
  for (const [index, build] of builds.entries()) await checkBuild(evidence, arns[index] ?? '', build);
  for (const { owner } of await room.list()) assert.ok(arns.includes(owner), `an instance of ${owner}`);
  await rm(rooms, { recursive: true, force: true });
}

/** What was committed stays when the server is killed, though nothing waits for the disk. */
async function keepCommits(connection: pg.ClientConfig & { readonly database: string }): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(`alter database ${client.escapeIdentifier(connection.database)} set synchronous_commit = on`);
  await client.end();
}

async function cutConnections(db: Kysely<Database>): Promise<void> {
  await tolerant(() =>
    sql`select pg_terminate_backend(pid) from pg_stat_activity
      where pid <> pg_backend_pid() and backend_type = 'client backend'`.execute(db),
  );
}

async function untilEnded(db: Kysely<Database>, arns: readonly string[]): Promise<void> {
  const open = db
    .selectFrom('images')
    .select(['arn', 'status', 'worker_id', 'queued_from', 'parked_until', 'epoch', 'restarts'])
    .where('arn', 'in', arns)
    .where('ended_at', 'is', null);
  await untilNone('Images that do not end', () => open.execute());
}

async function untilDelivered(db: Kysely<Database>): Promise<void> {
  await untilNone('Events that are not dispatched', () =>
    db.selectFrom('outbox').select('uid').where('dispatched_at', 'is', null).execute(),
  );
  await untilNone('Events that do not arrive', () => db.selectFrom('deliveries').selectAll().execute());
}
