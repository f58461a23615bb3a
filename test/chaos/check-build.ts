import assert from 'node:assert/strict';
import { type Kysely, type Selectable, sql } from 'kysely';
import { type ExecutionRecord, executionRecords } from '../../src/engine/execution-records.ts';
import { LEAVES } from '../../src/engine/simulated/mortal-worker.ts';
import type { SimulatedBuildHost } from '../../src/engine/simulated/simulated-build-host.ts';
import type { SimulatedImageStore } from '../../src/engine/simulated/simulated-image-store.ts';
import { logPlaceOf } from '../../src/state/log-place.ts';
import type { Database, EventsTable } from '../../src/state/tables.ts';
import type { Build } from './any-build.ts';
import type { Effects } from './effects.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { Outside } from './outside.ts';

export interface Evidence {
  readonly db: Kysely<Database>;
  readonly images: SimulatedImageStore;
  readonly room: SimulatedBuildHost;
  readonly effects: Effects;
  readonly outside: Outside;
  /** Whether workers were asked to end. */
  readonly workersLeft: boolean;
  /** Ids of events that arrived, by what they are about, in the order in which they came first. */
  readonly received: ReadonlyMap<string, ReadonlySet<string>>;
}

type Say = (what: string) => string;

/** Asserts that a build that has ended is as it must be; says its log when it is not. */
export async function checkBuild(evidence: Evidence, arn: string, build: Build): Promise<void> {
  try {
    await check(evidence, arn, build);
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    const message = `${error.message}\n${JSON.stringify(build)}\n${await storyOf(evidence.db, arn)}`;
    throw new assert.AssertionError({ message });
  }
}

async function check(evidence: Evidence, arn: string, build: Build): Promise<void> {
  const { db, outside, received } = evidence;
  const image = await db.selectFrom('images').selectAll().where('arn', '=', arn).executeTakeFirstOrThrow();
  const say: Say = (what) => `${arn} (${image.status}, ${image.reason}): ${what}`;
  const outcome = outcomeOf(build, image.slug);
  const gaveUp = /^Its worker was lost/.test(image.reason ?? '');
  if (gaveUp) assert.ok(image.restarts >= 5, say('given up too early'));
  const expected = gaveUp ? 'FAILED' : outcome.status;
  if (image.reason === LEAVES) assert.ok(evidence.workersLeft && image.status === 'CANCELLED', say('wrong end'));
  else if (build.cancelled) assert.ok([expected, 'CANCELLED'].includes(image.status), say('wrong end'));
  else assert.equal(image.status, expected, say('wrong end'));
  assert.equal(image.queued_from, null, say('still queued'));

  const outputs = (image.output_resources['amis'] as readonly { readonly image: string }[]).map((ami) => ami.image);
  checkAmis(evidence, { arn, status: image.status, outputs, outcome }, say);
  const released = image.status === 'AVAILABLE' && build.release !== undefined ? outputs : [];
  for (const ami of released) {
    assert.deepEqual(evidence.images.images.get(ami)?.launchPermission, { userGroups: ['all'] }, say('who may launch'));
    assert.equal(outside.parameters.get(`/${image.slug}`), ami, say('the parameter'));
  }
  const instances = (await evidence.room.list()).filter(({ owner }) => owner === arn);
  const [, kept] = /Instance (i-\w+) was kept/.exec(image.reason ?? '') ?? [];
  assert.deepEqual(
    instances.map(({ instanceId }) => instanceId),
    kept === undefined ? [] : [kept],
    say('instances that are there and in the reason'),
  );
  if (kept !== undefined) assert.ok(outcome.keepsInstance, say('an instance was kept'));
  // One that a lost worker had kept may have gone with it.
  else if (image.status === 'FAILED' && outcome.keepsInstance) assert.ok(image.epoch > 1, say('no instance was kept'));

  const records = await executionRecords(db, arn);
  checkRecords(records, say);
  checkOutside(outside, records, say);
  const events = await db.selectFrom('events').selectAll().where('image_arn', '=', arn).orderBy('id').execute();
  const stages = checkEvents(events, records, image.status, say);
  await checkDeliveries(db, { arn, stages, received: [...(received.get(arn) ?? [])] }, say);
}

function checkAmis(
  { images, effects }: Evidence,
  {
    arn,
    status,
    outputs,
    outcome,
  }: {
    readonly arn: string;
    readonly status: string;
    readonly outputs: readonly string[];
    readonly outcome: Outcome;
  },
  say: Say,
): void {
  const amis = [...images.images.values()].filter(({ source }) => source === arn).map(({ amiId }) => amiId);
  if (status === 'AVAILABLE') {
    assert.equal(amis.length, outcome.amis, say('one AMI for each step that makes one'));
    assert.deepEqual(amis.slice(-1), outputs, say('the AMI on record'));
  } else {
    assert.deepEqual(amis, outputs, say('AMIs that are there and on record'));
    assert.ok(amis.length <= outcome.amis, say('AMIs that nobody made'));
  }
  for (const ami of amis) {
    const done = effects.captured.get(ami) ?? [];
    const again = (effect: string, index: number): boolean =>
      outcome.repeatable.has(effect) && done[index - 1] === effect;
    const once = done.filter((effect, index) => !again(effect, index));
    assert.deepEqual(once, outcome.effects, say(`effects ${done.join(' ')}`));
  }
}

const ENDS = ['COMPLETED', 'FAILED', 'ROLLBACK_COMPLETED', 'CANCELLED'];

function checkRecords(records: readonly ExecutionRecord[], say: Say): void {
  for (const { id, status, retried, steps } of records) {
    assert.ok(ENDS.includes(status), say(`workflow ${id} is ${status}`));
    for (const step of steps) {
      const where = say(`step ${step.name} is ${step.status}`);
      assert.notEqual(step.status, 'RUNNING', where);
      assert.notEqual(step.rollback_status, 'RUNNING', say(`step ${step.name} is still taken back`));
      if (retried || status === 'COMPLETED') assert.notEqual(step.status, 'PENDING', where);
      assert.equal(step.ended_at === null, step.status === 'PENDING', where);
      if (step.status === 'COMPLETED') assert.ok(step.started_at !== null && step.outputs !== null, where);
    }
  }
}

/** Of a state machine there is one execution for each attempt. */
function checkOutside({ executions }: Outside, records: readonly ExecutionRecord[], say: Say): void {
  const steps = records.flatMap((record) => record.steps).filter(({ action }) => action === 'ExecuteStateMachine');
  for (const { id, name, status, attempt_number: attempts } of steps) {
    const begun = [1, 2].filter((attempt) => executions.has(`${id}-${attempt}`)).length;
    const where = say(`step ${name} is ${status} after ${attempts} attempts, and has ${begun} executions`);
    if (status === 'COMPLETED' || status === 'FAILED') assert.equal(begun, attempts, where);
    else assert.ok(begun <= attempts, where);
  }
}

/** Gives the stages that the image went through. */
function checkEvents(
  events: readonly Selectable<EventsTable>[],
  records: readonly ExecutionRecord[],
  status: string,
  say: Say,
): readonly string[] {
  const stages = events.filter(({ type }) => type === 'image').map(({ detail }) => String(detail['status']));
  const ends = stages.filter((stage) => ['AVAILABLE', 'FAILED', 'CANCELLED'].includes(stage));
  assert.deepEqual([ends, stages.at(-1)], [[status], status], say(`stages ${stages.join()}`));
  for (const step of records.flatMap((record) => record.steps)) {
    const told = events
      .filter(({ detail }) => detail['stepExecutionId'] === step.id)
      .map(({ detail }) => detail['status']);
    const began = step.started_at !== null && step.status !== 'SKIPPED';
    const wanted = step.status === 'PENDING' ? [] : began ? ['RUNNING', step.status] : [step.status];
    const retries = told.filter((each) => each === 'RUNNING').length - 1;
    const once = told.filter((each, index) => !(index > 0 && each === 'RUNNING'));
    assert.deepEqual(once, wanted, say(`events of step ${step.name}`));
    assert.ok(retries < step.max_attempts, say(`step ${step.name} began ${retries + 1} times`));
  }
  return stages;
}

/** Every change that is told was published, and everything that was published arrived, in its order. */
async function checkDeliveries(
  db: Kysely<Database>,
  {
    arn,
    stages,
    received,
  }: { readonly arn: string; readonly stages: readonly string[]; readonly received: readonly string[] },
  say: Say,
): Promise<void> {
  const told = ['BUILDING', 'TESTING', 'DISTRIBUTING', 'INTEGRATING', 'AVAILABLE', 'FAILED', 'CANCELLED'];
  const outbox = await db.selectFrom('outbox').select(['uid', 'body']).where('about', '=', arn).orderBy('id').execute();
  const sent = outbox.flatMap(({ body }) => {
    const { state } = (body as { detail: { state?: { status: string } } }).detail;
    return state === undefined ? [] : [state.status];
  });
  assert.deepEqual(
    sent,
    stages.filter((stage) => told.includes(stage)),
    say('events in the outbox'),
  );
  assert.deepEqual(
    received,
    outbox.map(({ uid }) => uid),
    say('events that arrived'),
  );
}

/** What the log of an image says. */
async function storyOf(db: Kysely<Database>, arn: string): Promise<string> {
  const image = await db.selectFrom('images').selectAll().where('arn', '=', arn).executeTakeFirstOrThrow();
  const { group, stream } = logPlaceOf(image);
  const { rows } = await sql<{ step_name: string | null; message: string }>`select step_name, message from log_events
    where log_group = ${group} and log_stream = ${stream} order by id`.execute(db);
  return rows.map(({ step_name, message }) => `${step_name ?? 'build'}: ${message}`).join('\n');
}
