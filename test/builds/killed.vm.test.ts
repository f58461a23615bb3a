import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CancelImageCreationCommand } from '@aws-sdk/client-imagebuilder';
import { pino } from 'pino';
import { joinStore, type Store } from '../../src/state/open-store.ts';
import { clientOf, readExports } from '../clients/drive-build.ts';
import { guests, until } from '../guests.ts';
import { type KilnHome, type KilnProcess, makeKilnHome } from '../kiln-home.ts';
import { MARKER, markedProcesses } from '../leaks.ts';
import { bash, templateOf } from './template.ts';

const template = join(import.meta.dirname, '../../examples/hello/template.yaml');

const waits = ['[ ! -e /root/again ] || exit 0; touch /root/again; echo waiting; sleep 20'];
/** The first time `Waits` runs on a disk it takes long enough to be interrupted; a second time it ends at once. */
const templateOn = (parentImage: string): string =>
  templateOf({
    name: 'killed',
    parentImage,
    components: {
      killed: [bash('First', ['echo x >> /root/first; wc -l < /root/first']), bash('Waits', waits, { maxAttempts: 2 })],
    },
    // One more boot that nobody interrupts would show nothing.
    image: { ImageTestsConfiguration: { ImageTestsEnabled: false } },
  });

test('killed during the boot, in a component and at the capture: each time the next process goes on', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  // The parent is a disk that was imported: those are never mounted on the host, and so are the business of machines.
  const imported = home.start([
    'import',
    process.env['KILN_TEST_BASE'] ?? '',
    '--name',
    'golden',
    '--platform',
    'Linux',
  ]);
  assert.equal(await imported.ended, 0, imported.stderr.join('\n'));
  const [parent = ''] = imported.stdout;
  assert.match(parent, /^ami-[0-9a-f]{17}$/);
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-killed` };
  const file = join(home.work, 'killed.yaml');
  writeFileSync(file, templateOn(parent));
  const log = pino({ level: 'silent' });
  const build = home.start(['build', file, '--executor', 'vm', '--json'], marker);
  await build.line((line) => line.includes('"LaunchBuildInstance"') && line.includes('"RUNNING"'));
  await until(async () => guests(marker).length === 1);
  const [booting] = guests(marker);
  build.child.kill('SIGKILL');
  assert.equal(await build.ended, 137);
  assert.deepEqual(guests(marker), [booting], 'the guest lives in a process group of its own and survives');

  const second = home.start(['serve', '--port', '0'], marker);
  await second.line((line) => line.startsWith('kiln listens'));
  {
    await using store = await joinStore({ home: home.path, log, signal: new AbortController().signal });
    await until(async () => (await printed(store)).includes('waiting'));
  }
  const running = guests(marker);
  assert.equal(running.length, 1);
  assert.notDeepEqual(running, [booting], 'the guest that was booting was replaced');
  second.child.kill('SIGKILL');
  assert.equal(await second.ended, 137);

  const third = home.start(['serve', '--port', '0'], marker);
  await third.line((line) => line.startsWith('kiln listens'));
  {
    await using store = await joinStore({ home: home.path, log, signal: new AbortController().signal });
    await until(async () => (await runningStep(store)) === 'CreateOutputAMI');
    const lines = await printed(store);
    assert.deepEqual(lines, ['1', 'waiting'], 'the first step ran once, the second went on after it was interrupted');
    assert.deepEqual(guests(marker), running);
  }
  third.child.kill('SIGKILL');
  assert.equal(await third.ended, 137);

  const last = home.start(['serve', '--port', '0'], marker);
  await last.line((line) => line.startsWith('kiln listens'));
  {
    await using store = await joinStore({ home: home.path, log, signal: new AbortController().signal });
    const image = store.db.selectFrom('images').select(['status', 'reason', 'ended_at', 'output_resources']);
    await until(async () => (await image.executeTakeFirstOrThrow()).ended_at !== null);
    const { status, reason, output_resources: output } = await image.executeTakeFirstOrThrow();
    assert.equal(status, 'AVAILABLE', reason ?? '');
    assert.equal((output['amis'] as unknown[]).length, 1);
  }
  const removal = home.start(['rm', parent]);
  assert.notEqual(await removal.ended, 0);
  assert.match(removal.stderr.join('\n'), /other images are built on it/);
  assert.deepEqual(guests(marker), []);
  assert.deepEqual(readdirSync(join(home.path, 'run/instances')), []);
  last.child.kill('SIGTERM');
  await last.ended;
  assert.deepEqual(
    markedProcesses(marker[MARKER] ?? '').map(({ command }) => command),
    [],
  );
});

/** What components of the build printed. */
async function printed({ db }: Store): Promise<readonly string[]> {
  const rows = db.selectFrom('log_events').select('message').where('source', '=', 'stdout');
  const ofStep = await rows.where('step_name', '=', 'ApplyBuildComponents').orderBy('id').execute();
  return ofStep.map(({ message }) => message);
}

async function runningStep({ db }: Store): Promise<string | undefined> {
  const rows = db.selectFrom('workflow_step_executions').select('name').where('status', '=', 'RUNNING');
  return (await rows.executeTakeFirst())?.name;
}

/** From the wish to end a build to its end with all that belonged to it. */
const MOST_MS = 10_000;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} during a build ends the guest, leaves no file and the image is CANCELLED`, async () => {
    await using home = await makeKilnHome({ withBaseImages: true });
    const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-${signal}` };
    const build = home.start(['build', template, '--executor', 'vm', '--json'], marker);
    await Promise.race([until(async () => guests(marker).length === 1), tooEarly(build)]);
    const begin = performance.now();
    build.child.kill(signal);
    assert.equal(await build.ended, 130);
    assert.ok(performance.now() - begin < MOST_MS, `it took ${performance.now() - begin} ms`);
    assertNothingLeft(home, marker);
    assert.deepEqual(await statuses(home), ['CANCELLED']);
  });
}

test('CancelImageCreation while the guest boots ends the guest, leaves no file and the image is CANCELLED', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-cancelled` };
  const server = home.start(['serve', '--port', '0'], marker);
  await server.line((line) => line.startsWith('kiln listens'));
  const env = home.start(['env']);
  assert.equal(await env.ended, 0, env.stderr.join('\n'));
  const environment = readExports(env.stdout);

  const build = home.start(['build', template, '--executor', 'vm', '--json']);
  await Promise.race([until(async () => guests(marker).length === 1), tooEarly(build)]);
  const { imageBuildVersionArn } = JSON.parse(await build.line((line) => line.includes('"event":"started"')));
  const client = clientOf(environment);
  const begin = performance.now();
  await client.send(new CancelImageCreationCommand({ imageBuildVersionArn }));
  client.destroy();
  assert.equal(await build.ended, 130);
  assert.ok(performance.now() - begin < MOST_MS, `it took ${performance.now() - begin} ms`);
  const { event, status } = JSON.parse(build.stdout.at(-1) ?? '');
  assert.deepEqual([event, status], ['done', 'CANCELLED']);
  assert.deepEqual(guests(marker), []);
  assert.deepEqual(instances(home), []);
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0, server.stderr.join('\n'));
  assertNothingLeft(home, marker);
});

/** Rejects when a build ends that should be interrupted. */
async function tooEarly({ ended, stdout, stderr }: KilnProcess): Promise<never> {
  await ended;
  throw new Error(`the build has ended:\n${[...stdout, ...stderr].slice(-30).join('\n')}`);
}

function assertNothingLeft(home: KilnHome, marker: Readonly<Record<string, string>>): void {
  const left = markedProcesses(marker[MARKER] ?? '').map(({ command }) => command);
  assert.deepEqual(left, []);
  assert.deepEqual(instances(home), []);
}

function instances(home: KilnHome): readonly string[] {
  return ['instances', 'mounted'].flatMap((name) => {
    const folder = join(home.path, 'run', name);
    return existsSync(folder) ? readdirSync(folder) : [];
  });
}

async function statuses(home: KilnHome): Promise<readonly unknown[]> {
  const images = home.start(['images', '--json']);
  assert.equal(await images.ended, 0, images.stderr.join('\n'));
  return images.stdout.map((line) => (JSON.parse(line) as Record<string, unknown>)['status']);
}
