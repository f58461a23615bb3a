import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { script } from '../../src/engine/simulated/build-bench.ts';
import { type SimulatedCheckpoints, simulatedCheckpoints } from '../../src/engine/simulated/simulated-checkpoints.ts';
import { openWholeService, token, type WholeService } from './whole-service.ts';

let whole: WholeService;
let checkpoints: SimulatedCheckpoints;
let secondsAhead = 0;
/** Components fail until it is there. */
let mayPass: string;
const folder = mkdtempSync(path.join(tmpdir(), 'kiln-retry-'));
before(async () => {
  checkpoints = simulatedCheckpoints(folder);
  whole = await openWholeService({
    clock: { now: () => new Date(Date.now() + secondsAhead * 1_000) },
    engine: { checkpoints },
  });
});
after(async () => {
  await whole[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  mayPass = path.join(folder, `may-pass-${++number}`);
  secondsAhead = 0;
  // What takes long is not waited for.
  whole.bench.host.faults.command = async (_, { argv, stdin }) => {
    secondsAhead += Number(/takes ([0-9.]+) s/.exec(`${argv.join(' ')} ${stdin}`)?.[1] ?? 0);
  };
  whole.bench.host.faults.launch = async ({ resumeFrom }) => {
    secondsAhead += resumeFrom === undefined ? 40 : 0;
  };
});

let number = 0;
const DAY = 24 * 3_600;
const first = (): string => script({ build: `: ${mayPass} takes 60 s; echo ran first` });
const second = (): string => script({ build: `echo ran second; test -e ${mayPass}` });
const retry = (arn: string) => whole.call.RetryImage({ imageBuildVersionArn: arn, ...token() });
const REFUSED = { name: 'InvalidRequestException', message: /ended in BUILDING.*there is neither: build it anew/ };

/** Fails at its second component. */
async function failed(tags: Readonly<Record<string, string>>, components = [first(), second()]): Promise<string> {
  const arn = await whole.image([], { components, infrastructure: { tags }, imageTestsEnabled: false });
  await whole.work(arn);
  const { status, reason } = await whole.bench.row(arn);
  assert.equal(status, 'FAILED');
  assert.match(reason ?? '', /exit status 1/);
  return arn;
}

async function succeeds(arn: string): Promise<void> {
  writeFileSync(mayPass, '');
  await whole.workAnew(arn);
  const { status, reason } = await whole.bench.row(arn);
  assert.equal(status, 'AVAILABLE', reason ?? '');
}

async function ran(arn: string): Promise<readonly string[]> {
  return (await whole.bench.log(arn)).filter((line) => /^ran /.test(line));
}

async function launchedFrom(arn: string): Promise<readonly string[]> {
  const lines = (await whole.bench.log(arn)).map((line) => /^Launching instance i-\w+ from (.*)/.exec(line)?.[1]);
  return lines.filter((from) => from !== undefined);
}

for (const executor of ['direct', 'vm']) {
  test(`a failed build begins its workflow anew at its checkpoint: same build version (${executor})`, async () => {
    const arn = await failed({ 'kiln:executor': executor });
    await retry(arn);
    const { image } = await whole.call.GetImage({ imageBuildVersionArn: arn });
    assert.equal(image?.state?.status, 'BUILDING');
    await succeeds(arn);
    assert.deepEqual(await ran(arn), ['ran first', 'ran second', 'ran second']);
    assert.equal((await launchedFrom(arn)).at(-1), 'a checkpoint');
    const { workflowExecutions = [] } = await whole.call.ListWorkflowExecutions({ imageBuildVersionArn: arn });
    assert.deepEqual(
      workflowExecutions.map(({ status, retried }) => [status, retried]),
      [
        ['ROLLBACK_COMPLETED', true],
        ['COMPLETED', undefined],
      ],
    );
    assert.deepEqual([...checkpoints.inUse], []);
    assert.deepEqual(
      (await whole.bench.host.list()).filter(({ owner }) => owner === arn),
      [],
    );
  });
}

test('it may fail again and be retried again; what it did itself counts however old it is', async () => {
  const arn = await failed({ 'kiln:executor': 'direct' });
  await retry(arn);
  await whole.workAnew(arn);
  assert.equal((await whole.bench.row(arn)).status, 'FAILED');
  secondsAhead += 3 * DAY;
  await retry(arn);
  await succeeds(arn);
  assert.deepEqual(await ran(arn), ['ran first', 'ran second', 'ran second', 'ran second']);
});

test('a checkpoint that goes between the request and the build: the build begins at its parent image, and says so', async () => {
  const arn = await failed({ 'kiln:executor': 'direct' });
  await retry(arn);
  for (const key of [...checkpoints.checkpoints.keys()]) await checkpoints.remove(key);
  await succeeds(arn);
  assert.deepEqual(await ran(arn), ['ran first', 'ran second', 'ran first', 'ran second']);
  assert.match((await launchedFrom(arn)).at(-1) ?? '', /^ami-/);
});

test('one whose layers are gone too', async () => {
  const arn = await failed({ 'kiln:executor': 'direct' });
  checkpoints.layers.clear();
  await retry(arn);
  await succeeds(arn);
  assert.deepEqual(await ran(arn), ['ran first', 'ran second', 'ran first', 'ran second']);
  assert.ok((await whole.bench.log(arn)).some((line) => /cannot be used and is removed: A layer/.test(line)));
});

test('without a checkpoint the retry is refused', async () => {
  const arn = await failed({ 'kiln:executor': 'direct' });
  for (const key of [...checkpoints.checkpoints.keys()]) await checkpoints.remove(key);
  await assert.rejects(retry(arn), REFUSED);
  assert.equal((await whole.bench.row(arn)).status, 'FAILED');
});

test('a build without the cache goes on with its own work, and with nobody else’s', async () => {
  const tags = { 'kiln:executor': 'direct', 'kiln:cache': 'never' };
  const arn = await failed(tags);
  await retry(arn);
  await succeeds(arn);
  assert.deepEqual(await ran(arn), ['ran first', 'ran second', 'ran second']);
  rmSync(mayPass);
  const other = await failed(tags);
  assert.deepEqual(await ran(other), ['ran first', 'ran second'], 'nothing of the image before');
  for (const [key, one] of checkpoints.checkpoints) {
    checkpoints.checkpoints.set(key, { ...one, facts: { ...one.facts, image: arn } });
  }
  await assert.rejects(retry(other), REFUSED);
});

test('a checkpoint of another build that it took over counts', async () => {
  const components = [first(), second()];
  const one = await failed({ 'kiln:executor': 'direct' }, components);
  const arn = await failed({ 'kiln:executor': 'direct' }, components);
  assert.deepEqual(await ran(arn), ['ran second'], `goes on from ${one}`);
  await retry(arn);
  await succeeds(arn);
  assert.deepEqual(await ran(arn), ['ran second', 'ran second']);
});
