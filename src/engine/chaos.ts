/**
 * Random builds on the simulated build host, while workers are killed and the database breaks off its connections or
 * restarts, all at random points. Workers that are frozen are not covered (anyMishap). Afterwards every image has ended
 * as it must, every record is consistent, nothing was done twice and no event is missing.
 *
 *   npm run chaos
 *
 * Not part of `npm test`: it looks for faults that nobody knows yet, at another place each time.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Kysely, sql } from 'kysely';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../state/embedded-postgres/start.ts';
import { logPlaceOf } from '../state/log-place.ts';
import { connectStore, type Store } from '../state/open-store.ts';
import type { Database } from '../state/tables.ts';
import { silentLog } from '../state/test-log.ts';
import { insertImage, insertResource } from '../state/test-rows.ts';
import { requestImageCancellation } from '../state/transitions/request-image-cancellation.ts';
import type { TargetCommand, TargetExit } from '../toe/target.ts';
import { systemClock } from '../util/clock.ts';
import { executionRecords } from './execution-records.ts';
import { ACCOUNT, ROOMY } from './simulated/build-bench.ts';
import { type MortalWorker, startMortalWorker } from './simulated/mortal-worker.ts';
import { type SimulatedBuildHost, simulatedBuildHost } from './simulated/simulated-build-host.ts';
import { type SimulatedImageStore, simulatedCatalog, simulatedImageStore } from './simulated/simulated-image-store.ts';

const RUNS = 6;
const BUILDS_PER_RUN = 50;
const MOST_MS = 240_000;

/** A step of a component document. */
interface DocumentStep {
  readonly repeatable: boolean;
  readonly fails: boolean;
}

interface Build {
  /** Documents of the build workflow's components. */
  readonly components: readonly (readonly DocumentStep[])[];
  /** ExecuteComponents steps of the workflow, and what is between them. */
  readonly between: readonly ('CollectImageMetadata' | 'SanitizeInstance')[];
  readonly tests: boolean;
  /** The step that runs components may fail without failing the build. */
  readonly goesOn: boolean;
  readonly cancelled: boolean;
}

const documentStep = fc.record({
  repeatable: fc.boolean(),
  fails: fc.integer({ min: 0, max: 19 }).map((dice) => dice === 0),
});

const anyBuild: fc.Arbitrary<Build> = fc.record({
  components: fc.array(fc.array(documentStep, { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
  between: fc.array(fc.constantFrom('CollectImageMetadata', 'SanitizeInstance'), { maxLength: 2 }),
  tests: fc.boolean(),
  goesOn: fc.boolean(),
  cancelled: fc.integer({ min: 0, max: 24 }).map((dice) => dice === 0),
});

/** What happens, so many uses of ports after what happened before. */
interface Mishap {
  readonly after: number;
  readonly what: 'kill' | 'freeze' | 'cut' | 'restart';
}

/**
 * No worker is frozen here, for a known fault: a worker that takes over from a frozen one and is killed before it has
 * removed what that one made leaves a build that the next worker adopts, because it knows only of the killed one
 * (canAdopt in settle-predecessor.ts). The frozen one then thaws and removes the AMI. One frozen worker, taken over from
 * by one that lives: settle-predecessor.test.ts.
 */
const anyMishap: fc.Arbitrary<Mishap> = fc.record({
  after: fc.integer({ min: 40, max: 400 }),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('kill' as const) },
    { weight: 3, arbitrary: fc.constant('cut' as const) },
  ),
});

test('whatever kills workers or breaks off the database, every build ends as it must, and nothing is done twice; without frozen workers', {
  timeout: 900_000,
}, async () => {
  await using world = await openWorld();
  let runs = 0;
  const result = await fc.check(
    fc.asyncProperty(
      fc.array(anyBuild, { minLength: BUILDS_PER_RUN, maxLength: BUILDS_PER_RUN }),
      fc.array(anyMishap, { minLength: 10, maxLength: 40 }),
      async (builds, mishaps) => {
        // A restart takes long: one in three runs has one.
        const restart = runs++ % 3 === 0 ? [{ after: 300, what: 'restart' as const }] : [];
        await world.run(builds, [...restart, ...mishaps]);
      },
    ),
    // Fewer builds would fail elsewhere.
    { numRuns: RUNS, endOnFailure: true },
  );
  // The builds themselves say nothing to a person; the seed has them.
  const { failed, seed, errorInstance } = result;
  if (failed) assert.fail(`Seed ${seed}: ${errorInstance instanceof Error ? errorInstance.stack : errorInstance}`);
});

interface World extends AsyncDisposable {
  run(builds: readonly Build[], mishaps: readonly Mishap[]): Promise<void>;
}

async function openWorld(): Promise<World> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kiln-chaos-'));
  const directory = path.join(folder, 'postgres');
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ directory, log: silentLog, signal: new AbortController().signal, durable: false });
  let server = await start();
  const { host, port, user } = server;
  const connection = { host, port, user, database: 'postgres' };
  const restart = async (): Promise<void> => {
    await server.stop();
    server = await start();
  };
  const store = await connectStore(connection, silentLog);
  return {
    run: (builds, mishaps) => runScenario({ folder, store, connection, restart }, builds, mishaps),
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
  readonly connection: Parameters<typeof startMortalWorker>[0]['connection'];
  readonly restart: () => Promise<void>;
}

/** What was done to instances: it stays done, whatever becomes of who did it. */
class Effects {
  readonly #done = new Map<string, string[]>();
  /** Effects in AMIs, as they were when the disk was captured. */
  readonly captured = new Map<string, readonly string[]>();

  readonly respond = async (instanceId: string, command: TargetCommand): Promise<TargetExit> => {
    const [, effect] = /effect ([^\s;]+)/.exec(String(command.stdin ?? '')) ?? [];
    if (effect !== undefined) this.of(instanceId).push(effect);
    await new Promise((resolve) => setImmediate(resolve));
    return { code: String(command.stdin ?? '').includes('; false') ? 1 : 0 };
  };

  of(instanceId: string): string[] {
    const done = this.#done.get(instanceId) ?? [];
    this.#done.set(instanceId, done);
    return done;
  }

  all(): IterableIterator<[string, string[]]> {
    return this.#done.entries();
  }
}

async function runScenario(place: Place, builds: readonly Build[], mishaps: readonly Mishap[]): Promise<void> {
  const { store, connection } = place;
  const { db } = store;
  const rooms = await mkdtemp(path.join(place.folder, 'rooms-'));
  const effects = new Effects();
  const images = simulatedImageStore();
  const room = simulatedBuildHost(rooms, new Map(), { respond: effects.respond });
  images.faults.capture = async ({ amiId, diskPath }) => {
    assert.ok(!effects.captured.has(amiId), `${amiId} was captured twice`);
    effects.captured.set(amiId, [...effects.of(path.basename(path.dirname(diskPath)))]);
  };
  const living = new Map<string, MortalWorker>();
  const pending = [...mishaps];
  const happening: Promise<unknown>[] = [];
  let uses = 0;
  let names = 0;

  const startOne = (): void => {
    const id = `w-${names++}-${path.basename(rooms)}`;
    const worker = startMortalWorker({
      ...{ id, connection },
      room: { ...ROOMY, capacity: async () => ({ ...(await ROOMY.capacity()), builds: 8 }) },
      engine: {
        ...{ buildHost: room, imageStore: images, catalog: simulatedCatalog(images), clock: systemClock },
        ...{ log: silentLog, accountId: ACCOUNT, region: 'us-east-1' },
        place: { id: rooms, hasEnded: async (other) => !living.has(other) },
      },
      onUse: () => {
        const [next] = pending;
        if (next === undefined || ++uses < next.after) return;
        uses = 0;
        pending.shift();
        happening.push(happen(next.what, id));
      },
    });
    living.set(id, worker);
  };

  const happen = async (what: Mishap['what'], id: string): Promise<void> => {
    const worker = living.get(id);
    switch (what) {
      case 'kill':
        living.delete(id);
        startOne();
        return worker?.kill();
      case 'freeze':
        // Somebody must be there to take over.
        if (worker === undefined || [...living.values()].some(({ isFrozen }) => isFrozen)) return;
        worker.freeze();
        // Long enough that others take it for lost.
        await tolerant(() =>
          sql`update workers set heartbeat_at = now() - interval '1 minute' where id = ${id}`.execute(db),
        );
        await untilTakenOver(db, id);
        return worker.thaw();
      case 'cut':
        await tolerant(() =>
          sql`select pg_terminate_backend(pid) from pg_stat_activity
            where pid <> pg_backend_pid() and backend_type = 'client backend'`.execute(db),
        );
        return;
      case 'restart':
        return place.restart();
    }
  };

  // When the scenario fails, its workers must not keep the process alive.
  await using killing = new AsyncDisposableStack();
  killing.defer(async () => {
    await Promise.all([...living.values()].map((worker) => worker.kill()));
  });

  const arns = await Promise.all(builds.map((build) => insertBuild(store, build)));
  startOne();
  startOne();
  await using _woken = store.jobs.listen(() => {
    for (const worker of living.values()) worker.wake();
  });
  for (const arn of arns) await tolerant(() => store.jobs.enqueue(db, arn));
  for (const [index, { cancelled }] of builds.entries()) {
    const imageArn = arns[index] ?? '';
    if (cancelled) await tolerant(() => requestImageCancellation(db, { imageArn, at: new Date() }));
  }
  await untilEnded(db, arns);
  pending.length = 0;
  await Promise.all(happening);
  await Promise.all([...living.values()].map((worker) => worker.stop()));
  living.clear();
  // What a process was about to do when it was killed may be there after all: the next worker ends it when it starts.
  startOne();
  await Promise.all([...living.values()].map((worker) => worker.stop()));
  for (const [index, build] of builds.entries()) {
    const arn = arns[index] ?? '';
    await checkBuild({ db, room, images, effects }, arn, build).catch(async (error: Error) => {
      throw new assert.AssertionError({ message: `${error.message}\n${await storyOf(db, arn)}` });
    });
  }
  assert.deepEqual(await room.list(), [], 'no instance is left');
  assert.deepEqual(
    await db
      .selectFrom('workers')
      .select('id')
      .where('id', 'in', [...living.keys()])
      .execute(),
    [],
  );
  await rm(rooms, { recursive: true, force: true });
}

/** The test's own connections break, too. */
async function tolerant(work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const done = await work().then(
      () => true,
      () => false,
    );
    if (done) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function untilTakenOver(db: Kysely<Database>, workerId: string): Promise<void> {
  await until(async () => {
    const held = db.selectFrom('images').select('arn').where('worker_id', '=', workerId).where('ended_at', 'is', null);
    return (await held.where('queued_from', 'is', null).execute()).length === 0;
  });
}

/** Rejects with what is known of those that do not end: only then, and to keep a defect from hanging the suite. */
async function untilEnded(db: Kysely<Database>, arns: readonly string[]): Promise<void> {
  const begin = performance.now();
  await until(async () => {
    const open = db
      .selectFrom('images')
      .select(['arn', 'status', 'worker_id', 'queued_from', 'parked_until', 'epoch', 'restarts'])
      .where('arn', 'in', arns)
      .where('ended_at', 'is', null);
    const rows = await open.execute();
    if (performance.now() - begin > MOST_MS) throw new assert.AssertionError({ message: JSON.stringify(rows) });
    return rows.length === 0;
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const ask = (): Promise<boolean> =>
    isSo().catch((error: unknown) => {
      if (error instanceof assert.AssertionError) throw error;
      return false;
    });
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 10));
}

let builds = 0;

async function insertBuild(store: Store, build: Build): Promise<string> {
  const slug = `image-${builds++}`;
  const version = { major: 1, minor: 0, patch: 0, build: 1, version: '1.0.0' };
  const components = build.components.map((steps, index) => ({ steps, name: `${slug}-${index}` }));
  for (const { steps, name } of components) {
    await insertResource(store.db, {
      ...{ arn: `arn:aws:imagebuilder:us-east-1:${ACCOUNT}:component/${name}/1.0.0/1`, kind: 'component', slug: name },
      ...version,
      document: JSON.stringify({ data: componentText(name, steps) }),
    });
  }
  const workflows = [{ type: 'BUILD', text: buildWorkflow(build) }];
  if (build.tests) workflows.push({ type: 'TEST', text: TEST_WORKFLOW });
  const chosen: { workflowArn: string }[] = [];
  for (const { type, text } of workflows) {
    const name = `${type.toLowerCase()}/${slug}`;
    const arn = `arn:aws:imagebuilder:us-east-1:${ACCOUNT}:workflow/${name}/1.0.0/1`;
    chosen.push({ workflowArn: arn });
    const document = JSON.stringify({ data: text, type });
    await insertResource(store.db, { arn, kind: 'workflow', slug: name, ...version, document });
  }
  return insertImage(store.db, {
    slug,
    image_recipe: JSON.stringify({
      ...{ name: slug, version: '1.0.0', workingDirectory: '/tmp' },
      parentImage: 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x',
      components: components.map(({ name }) => ({
        componentArn: `arn:aws:imagebuilder:us-east-1:${ACCOUNT}:component/${name}/1.0.0/1`,
      })),
    }),
    infrastructure_configuration: JSON.stringify({ instanceTypes: ['m5.large'] }),
    tags: JSON.stringify({ 'kiln:executor': 'vm' }),
    workflows: JSON.stringify(chosen),
  });
}

function componentText(name: string, steps: readonly DocumentStep[]): string {
  const lines = steps.flatMap(({ repeatable, fails }, index) => [
    `      - name: Step${index}`,
    '        action: ExecuteBash',
    ...(repeatable ? ['        maxAttempts: 2'] : []),
    `        inputs: { commands: ['effect ${name}/${index}${fails ? '; false' : ''}'] }`,
  ]);
  return ['schemaVersion: 1.0', 'phases:', '  - name: build', '    steps:', ...lines].join('\n');
}

function buildWorkflow({ between, goesOn }: Build): string {
  const onInstance = (name: string, action: string, more = ''): string => `
  - name: ${name}
    action: ${action}${more}
    inputs:
      instanceId.$: $.stepOutputs.Launch.instanceId`;
  return `schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs: { waitFor: ssmAgent }${onInstance('Components', 'ExecuteComponents', goesOn ? '\n    onFailure: Continue' : '')}${between
      .map((action, index) => onInstance(`Between${index}`, action))
      .join(
        '',
      )}${onInstance('Create', 'CreateImage')}${onInstance('Terminate', 'TerminateInstance', '\n    onFailure: Continue')}
outputs:
  - name: Ami
    value: $.stepOutputs.Create.imageId
`;
}

const TEST_WORKFLOW = `schemaVersion: 1.0
steps:
  - name: LaunchTest
    action: LaunchInstance
    inputs: { waitFor: ssmAgent }
  - name: TerminateTest
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.LaunchTest.instanceId
`;

/** What the log of an image says. */
async function storyOf(db: Kysely<Database>, arn: string): Promise<string> {
  const image = await db.selectFrom('images').selectAll().where('arn', '=', arn).executeTakeFirstOrThrow();
  const { group, stream } = logPlaceOf(image);
  const { rows } = await sql<{ step_name: string | null; message: string }>`select step_name, message from log_events
    where log_group = ${group} and log_stream = ${stream} order by id`.execute(db);
  return rows.map(({ step_name, message }) => `${step_name ?? 'build'}: ${message}`).join('\n');
}

interface Evidence {
  readonly db: Kysely<Database>;
  readonly room: SimulatedBuildHost;
  readonly images: SimulatedImageStore;
  readonly effects: Effects;
}

async function checkBuild(evidence: Evidence, arn: string, build: Build): Promise<void> {
  const { db, images, effects } = evidence;
  const image = await db.selectFrom('images').selectAll().where('arn', '=', arn).executeTakeFirstOrThrow();
  const say = (what: string): string => `${arn} (${image.status}, ${image.reason}): ${what}`;
  const gaveUp = /^Its worker was lost/.test(image.reason ?? '');
  const fails = build.components.some((steps) => steps.some((step) => step.fails)) && !build.goesOn;
  const expected = fails || gaveUp ? 'FAILED' : 'AVAILABLE';
  if (gaveUp) assert.ok(image.restarts >= 5, say('given up too early'));
  if (build.cancelled) assert.ok([expected, 'CANCELLED'].includes(image.status), say('wrong end'));
  else assert.equal(image.status, expected, say('wrong end'));
  assert.equal(image.queued_from, null, say('still queued'));

  const amis = [...images.images.values()].filter(({ source }) => source === arn).map(({ amiId }) => amiId);
  const outputs = (image.output_resources['amis'] as readonly { readonly image: string }[]).map((ami) => ami.image);
  assert.deepEqual(amis, outputs, say('AMIs that are there and on record'));
  if (image.status === 'AVAILABLE') {
    assert.equal(amis.length, 1, say('one AMI'));
    checkEffects(effects.captured.get(amis[0] ?? '') ?? [], build, image.slug, say);
  }
  await checkRecords(evidence, arn, say);
}

/** On the disk is what the components do, each once and in their order; what is repeatable at least once. */
function checkEffects(done: readonly string[], build: Build, slug: string, say: (what: string) => string): void {
  const wanted: string[] = [];
  const repeatable = new Set<string>();
  for (const [index, steps] of build.components.entries()) {
    for (const [step, { repeatable: again, fails }] of steps.entries()) {
      const effect = `${slug}-${index}/${step}`;
      wanted.push(effect);
      if (again) repeatable.add(effect);
      // The document ends here, and so does the step.
      if (fails) {
        checkOrder(done, wanted, repeatable, say);
        return;
      }
    }
  }
  checkOrder(done, wanted, repeatable, say);
}

function checkOrder(
  done: readonly string[],
  wanted: readonly string[],
  repeatable: ReadonlySet<string>,
  say: (what: string) => string,
): void {
  const once = done.filter((effect, index) => !(repeatable.has(effect) && done[index - 1] === effect));
  assert.deepEqual(once, wanted, say(`effects ${done.join(' ')}`));
}

async function checkRecords({ db }: Evidence, arn: string, say: (what: string) => string): Promise<void> {
  const records = await executionRecords(db, arn);
  for (const { id, status, retried, steps } of records) {
    assert.ok(status !== 'RUNNING' && status !== 'PENDING', say(`workflow ${id} is ${status}`));
    for (const step of steps) {
      const where = say(`step ${step.name} is ${step.status}`);
      assert.notEqual(step.status, 'RUNNING', where);
      if (retried || status === 'COMPLETED') assert.notEqual(step.status, 'PENDING', where);
      assert.equal(step.ended_at === null, step.status === 'PENDING', where);
      if (step.status === 'COMPLETED') assert.ok(step.started_at !== null && step.outputs !== null, where);
    }
  }
  const events = await db.selectFrom('events').selectAll().where('image_arn', '=', arn).orderBy('id').execute();
  const stages = events.filter(({ type }) => type === 'image').map(({ detail }) => String(detail['status']));
  const ends = stages.filter((stage) => ['AVAILABLE', 'FAILED', 'CANCELLED'].includes(stage));
  const { status } = await db.selectFrom('images').select('status').where('arn', '=', arn).executeTakeFirstOrThrow();
  assert.deepEqual([ends, stages.at(-1)], [[status], status], say(`stages ${stages.join()}`));
  for (const step of records.flatMap((record) => record.steps)) {
    const told = events
      .filter(({ detail }) => detail['stepExecutionId'] === step.id)
      .map(({ detail }) => detail['status']);
    const wanted =
      step.status === 'PENDING'
        ? []
        : step.started_at === null || step.status === 'SKIPPED'
          ? [step.status]
          : ['RUNNING', step.status];
    const retries = told.filter((each) => each === 'RUNNING').length - 1;
    const once = told.filter((each, index) => !(index > 0 && each === 'RUNNING'));
    assert.deepEqual(once, wanted, say(`events of step ${step.name}`));
    assert.ok(retries < step.max_attempts, say(`step ${step.name} began ${retries + 1} times`));
  }
  // Whoever is told of events finds each of them in the outbox.
  const told = ['BUILDING', 'TESTING', 'DISTRIBUTING', 'AVAILABLE', 'FAILED', 'CANCELLED'];
  const outbox = await db.selectFrom('outbox').select('body').where('about', '=', arn).orderBy('id').execute();
  const sent = outbox.flatMap(({ body }) => {
    const { state } = (body as { detail: { state?: { status: string } } }).detail;
    return state === undefined ? [] : [state.status];
  });
  assert.deepEqual(
    sent,
    stages.filter((stage) => told.includes(stage)),
    say('events in the outbox'),
  );
}
