import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FollowLine } from '../contract/follow.ts';
import { writeImageEvent } from '../state/events.ts';
import { openLog } from '../state/log-events.ts';
import { insertImage } from '../state/test-rows.ts';
import { openTestStore } from '../state/test-store.ts';
import { claimImage } from '../state/transitions/claim-image.ts';
import { failImage } from '../state/transitions/fail-image.ts';
import { followImageBuild } from './follow-image.ts';
import { ARN_PREFIX, testService } from './test-service.ts';

const at = (milliseconds: number) => new Date(Date.UTC(2026, 10, 23, 10, 0, 0, milliseconds));
const LOG = ['123456789012:/aws/imagebuilder/web', '1.0.0/1'] as const;
const never = new AbortController().signal;

function told(lines: readonly FollowLine[]): string[] {
  return lines.map((line) => (line.kind === 'log' ? line.message : line.kind === 'step' ? line.name : line.status));
}

async function collect(lines: AsyncIterable<FollowLine>): Promise<FollowLine[]> {
  const collected: FollowLine[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}

describe('following a build', () => {
  it('tells what is stored in order of time, ending with the state', async () => {
    await using store = await openTestStore();
    const { service } = testService(store);
    const { db } = service;
    const arn = await insertImage(db, { status: 'FAILED', reason: 'It broke.' });
    await writeImageEvent(db, arn, { status: 'PENDING' }, at(0));
    const step = { workflow: 'build-image', stepExecutionId: 'step-1', name: 'Launch', action: 'LaunchInstance' };
    await db
      .insertInto('events')
      .values({
        image_arn: arn,
        type: 'step',
        detail: JSON.stringify({ ...step, status: 'COMPLETED', seconds: 2.5 }),
        created_at: at(30),
      })
      .execute();
    await writeImageEvent(db, arn, { status: 'FAILED', reason: 'It broke.' }, at(50));
    await using log = openLog(db, ...LOG);
    log.append({ at: at(10), source: 'kiln', message: 'before' });
    log.append({ at: at(30), stepName: 'Launch', source: 'console', message: 'during' });
    log.append({ at: at(40), source: 'stdout', message: 'after' });
    await log.flush();
    await using otherLog = openLog(db, LOG[0], '1.0.0/2');
    otherLog.append({ at: at(10), source: 'kiln', message: 'of another build' });
    await otherLog.flush();
    const lines = await collect(followImageBuild(service)(arn, { follow: false, signal: never }));
    assert.deepEqual(lines, [
      { kind: 'image', at: at(0).toISOString(), status: 'PENDING' },
      { kind: 'log', at: at(10).toISOString(), source: 'kiln', message: 'before' },
      { kind: 'log', at: at(30).toISOString(), step: 'Launch', source: 'console', message: 'during' },
      { kind: 'step', at: at(30).toISOString(), ...step, status: 'COMPLETED', seconds: 2.5 },
      { kind: 'log', at: at(40).toISOString(), source: 'stdout', message: 'after' },
      { kind: 'image', at: at(50).toISOString(), status: 'FAILED', reason: 'It broke.' },
      { kind: 'end', status: 'FAILED', reason: 'It broke.' },
    ]);
  });

  it('tells every line of a log that is longer than what is read at once', async () => {
    await using store = await openTestStore();
    const { service } = testService(store);
    const arn = await insertImage(service.db, { status: 'AVAILABLE' });
    await writeImageEvent(service.db, arn, { status: 'AVAILABLE' }, at(5_000));
    const messages = Array.from({ length: 2_500 }, (_, index) => `line ${index}`);
    await using log = openLog(service.db, ...LOG);
    for (const [index, message] of messages.entries()) log.append({ at: at(index), source: 'stdout', message });
    await log.flush();
    const lines = await collect(followImageBuild(service)(arn, { follow: true, signal: never }));
    assert.deepEqual(told(lines), [...messages, 'AVAILABLE', 'AVAILABLE']);
  });

  it('goes on while the build does, tells lines as they come, and ends after its end', async () => {
    await using store = await openTestStore();
    let now = at(0);
    const service = { ...testService(store).service, clock: { now: () => now } };
    const { db } = service;
    const arn = await insertImage(db);
    await writeImageEvent(db, arn, { status: 'PENDING' }, at(0));
    await using log = openLog(db, ...LOG);
    const lines = followImageBuild(service)(arn, { follow: true, signal: never })[Symbol.asyncIterator]();
    const next = async () => {
      const { value } = await lines.next();
      return value === undefined ? 'done' : told([value])[0];
    };
    now = at(1_000);
    assert.equal(await next(), 'PENDING');
    const claimed = await claimImage(db, { imageArn: arn, workerId: 'w', at: at(1_000) });
    assert.ok(claimed);
    now = at(2_000);
    assert.equal(await next(), 'CREATING');
    const pending = next();
    log.append({ at: at(2_900), source: 'stdout', message: 'last words' });
    await log.flush();
    await failImage(db, claimed.claim, { reason: 'It broke.', at: at(3_000) });
    const rest = [await pending];
    for (let line = await next(); line !== 'done'; line = await next()) rest.push(line);
    assert.deepEqual(rest, ['last words', 'FAILED', 'FAILED']);
  });

  it("tells no step's end before the lines that were said before it", async () => {
    await using store = await openTestStore();
    let now = at(1_000);
    const service = { ...testService(store).service, clock: { now: () => now } };
    const { db } = service;
    const arn = await insertImage(db);
    await writeImageEvent(db, arn, { status: 'PENDING' }, at(0));
    await writeImageEvent(db, arn, { status: 'BUILDING' }, at(900));
    const lines = followImageBuild(service)(arn, { follow: true, signal: never })[Symbol.asyncIterator]();
    const next = async () => told([(await lines.next()).value].filter((line) => line !== undefined))[0];
    assert.equal(await next(), 'PENDING');
    const pending = next();
    await using log = openLog(db, ...LOG);
    log.append({ at: at(890), source: 'stdout', message: 'stored late' });
    await log.flush();
    now = at(2_000);
    assert.equal(await pending, 'stored late');
    assert.equal(await next(), 'BUILDING');
    await lines.return?.();
  });

  it('ends soon when the reader goes away', async () => {
    await using store = await openTestStore();
    const service = { ...testService(store).service, clock: { now: () => at(1_000) } };
    const arn = await insertImage(service.db);
    await writeImageEvent(service.db, arn, { status: 'PENDING' }, at(0));
    const reader = new AbortController();
    const lines = followImageBuild(service)(arn, { follow: true, signal: reader.signal })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value?.kind, 'image');
    const pending = lines.next();
    reader.abort();
    assert.deepEqual(await pending, { value: undefined, done: true });
  });

  it('refuses what is not a build version and what does not exist before the first line', async () => {
    await using store = await openTestStore();
    const { service } = testService(store);
    const follow = (arn: string) => collect(followImageBuild(service)(arn, { follow: true, signal: never }));
    await assert.rejects(follow(`${ARN_PREFIX}image/web/1.0.0`), { name: 'InvalidParameterValueException' });
    await assert.rejects(follow('nothing'), { name: 'InvalidParameterValueException' });
    await assert.rejects(follow(`${ARN_PREFIX}image/web/1.0.0/1`), { name: 'ResourceNotFoundException' });
  });
});
