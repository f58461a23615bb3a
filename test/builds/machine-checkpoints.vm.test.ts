import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { joinStore } from '../../src/state/open-store.ts';
import { type DiskContents, diskOf, readDisk } from '../disk-contents.ts';
import { type KilnHome, type KilnProcess, makeKilnHome } from '../kiln-home.ts';
import { MARKER, markedProcesses } from '../leaks.ts';
import { bash, templateOf } from './template.ts';

const never = new AbortController().signal;

/** What says when it was written, or has a name that the service manager draws at a boot. */
const OTHERS = /^\/(var\/(log|lib\/systemd)\/|tmp\/systemd-private-)/;

/** Works long enough that the machine after it is kept. */
const slow = bash('Slow', ['sleep 3; echo slow >> /root/slow']);
/** Is over before it would pay to keep the machine: `kiln shell` runs it again. */
const short = { name: 'Short', action: 'CreateFile', inputs: [{ path: '/root/short', content: 'short\n' }] };
const writes = (text: string): unknown => bash('Write', [`echo ${text} >> /root/written`]);

/** The tests lie one upon the other: what one build keeps the next one goes on from. */
describe('builds on machines go on from machines that were kept', () => {
  let home: KilnHome;
  let disks: string;
  const begin = new Date();
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-machines` };
  before(() => {
    home = makeKilnHome({ withBaseImages: true });
    disks = join(home.path, 'images/disks');
  });
  after(() => home[Symbol.asyncDispose]());

  function start(name: string, components: Readonly<Record<string, unknown>>, ...more: readonly string[]): KilnProcess {
    const file = join(home.work, `${name}.json`);
    const steps = Object.entries(components).map(([component, step]) => [component, [step]] as const);
    const image = { ImageTestsConfiguration: { ImageTestsEnabled: false } };
    writeFileSync(file, templateOf({ name, components: Object.fromEntries(steps), image }));
    return home.start(['build', file, '--executor', 'vm', '--json', ...more], marker);
  }
  const images = new Map<string, string>();
  /** Gives what the log of the build says. */
  async function build(
    name: string,
    components: Readonly<Record<string, unknown>>,
    ...more: readonly string[]
  ): Promise<readonly string[]> {
    const process = start(name, components, '-o', join(home.work, `${name}.qcow2`), ...more);
    assert.equal(await process.ended, 0, [...process.stdout, ...process.stderr].slice(-40).join('\n'));
    images.set(name, String((JSON.parse(process.stdout.at(-1) ?? '{}') as { amiId?: unknown }).amiId));
    return messages(process);
  }
  const read = (name: string): Promise<DiskContents> =>
    readDisk(diskOf(home, images.get(name) ?? ''), ['/root/slow', '/root/written', '/root/short'], begin);

  test('with the work of the components before the one that has changed, and the image is that of a cold build', async () => {
    const cold = await build('cold', { slow, one: writes('one') });
    assert.equal(boots(cold), 1, cold.join('\n'));
    const hit = await build('hit', { slow, two: writes('two') });
    assert.deepEqual([boots(hit), resumes(hit)], [0, 1], hit.join('\n'));
    assert.ok(says(hit, /^slow is reused: it ran at/) && !says(hit, /^two is reused/), hit.join('\n'));
    const miss = await build('miss', { slow, two: writes('two') }, '--no-cache');
    assert.deepEqual([boots(miss), resumes(miss)], [1, 0], miss.join('\n'));

    const [one, two] = [await read('hit'), await read('miss')];
    assert.deepEqual(one.files, { '/root/slow': 'slow\n', '/root/written': 'two\n', '/root/short': undefined });
    const paths = new Set([...one.tree.keys(), ...two.tree.keys()]);
    const different = [...paths].filter((path) => one.tree.get(path) !== two.tree.get(path) && !OTHERS.test(path));
    assert.deepEqual(
      different.map((path) => `${path}: ${one.tree.get(path)}, ${two.tree.get(path)}`),
      [],
    );
    assert.deepEqual(one.packages, two.packages);
    assert.deepEqual(one.enabledUnits, two.enabledUnits);
    assert.deepEqual(one.attributes, two.attributes);
  });

  test('that has booted the parent and nothing more, for a new recipe', async () => {
    // As of a slow machine, whose cloud-init is still at work when the components are not any more.
    const late = 'for n in $(seq 40); do echo $n >/var/lib/cloud/late; sleep 0.1; done';
    const command = `systemd-run --quiet --no-block --unit=cloud-late --service-type=oneshot sh -c '${late}'`;
    const log = await build('new', { other: writes('other'), late: bash('Late', [command]) });
    assert.ok(says(log, /^A machine that has booted ami-[0-9a-f]{17} goes on$/), log.join('\n'));
    assert.deepEqual([boots(log), resumes(log)], [0, 1], log.join('\n'));
    const { files, tree } = await read('new');
    assert.equal(files['/root/written'], 'other\n');
    assert.ok(!tree.has('/var/lib/cloud/late'), 'the clean-up waits for it');
  });

  test('before a component that failed: entered on a copy, every time, and the corrected build goes on', async (t) => {
    const broken = start('failing', { slow, short, broken: bash('Run', ['echo broken > /root/broken; exit 3']) });
    assert.equal(await broken.ended, 1);
    const output = [...broken.stdout, ...broken.stderr].join('\n');
    const arn = /arn:aws:imagebuilder:[^ "]*:image\/failing\/1\.0\.0\/1/.exec(output)?.[0] ?? '';
    const before = kept();
    const commands = [
      'cat /root/slow /root/short; ls /root/broken /root/mine; echo mine > /root/mine; rm /root/slow; sync',
      'cat /root/slow /root/short; ls /root/broken /root/mine',
    ];
    for (const more of [[], ['--before-step', 'broken']]) {
      const shell = home.start(['shell', arn, ...more, '--', commands.shift() ?? ''], marker);
      await shell.ended;
      const said = shell.stderr.join('\n');
      assert.deepEqual(shell.stdout, ['slow', 'short'], said);
      t.diagnostic(/Running short again/.test(said) ? 'what was too short was run again' : 'nothing was too short');
      assert.match(said, /^resuming i-[0-9a-f]{17}[\s\S]*the state before broken; nothing that is done here stays/m);
      assert.match(said, /\/root\/broken.*No such file[\s\S]*\/root\/mine.*No such file/, 'neither is there');
      assert.deepEqual(kept(), before);
      assert.deepEqual(readdirSync(join(home.path, 'run/instances')), []);
    }
    const mended = await build('mended', { slow, short, mended: writes('mended') }, '--resume');
    assert.deepEqual([boots(mended), resumes(mended)], [0, 1], mended.join('\n'));
    const { files, tree } = await read('mended');
    const wanted = { '/root/slow': 'slow\n', '/root/written': 'mended\n', '/root/short': 'short\n' };
    assert.deepEqual(files, wanted);
    assert.ok(!tree.has('/root/broken') && !tree.has('/root/mine'));
  });

  test('a kill while a machine is being saved costs that machine and nothing else', async () => {
    const count = bash('Count', ['sleep 3; echo once >> /root/written']);
    const killed = start('killed', { count, last: bash('Last', ['echo short > /root/short']) });
    const saved = await untilSaved(killed);
    assert.ok(saved !== undefined, [...killed.stdout, ...killed.stderr].slice(-40).join('\n'));
    killed.child.kill('SIGKILL');
    assert.equal(await killed.ended, 137);
    assert.ok(!existsSync(join(disks, saved, 'machine.json')), 'it was killed too late');

    const server = home.start(['serve', '--port', '0'], marker);
    await server.line((line) => line.startsWith('kiln listens'));
    {
      await using store = await joinStore({ home: home.path, log: pino({ level: 'silent' }), signal: never });
      const row = store.db.selectFrom('images').selectAll().where('name', '=', 'killed');
      let image = await row.executeTakeFirstOrThrow();
      for (; image.ended_at === null; image = await row.executeTakeFirstOrThrow()) await delay(50);
      assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
      images.set('killed', JSON.stringify(image.output_resources));
    }
    server.child.kill('SIGTERM');
    await server.ended;

    const { files } = await read('killed');
    assert.deepEqual([files['/root/written'], files['/root/short']], ['once\n', 'short\n']);
    const records = ['amis', 'checkpoints'].flatMap((folder) => {
      const path = join(home.path, 'images', folder);
      return readdirSync(path).map((name) => readFileSync(join(path, name), 'utf8'));
    });
    const layers = readdirSync(disks).map((name) => /^layer-[^.]*/.exec(name)?.[0]);
    const unknown = layers.filter((name) => name !== undefined && !records.some((record) => record.includes(name)));
    assert.deepEqual(unknown, []);
    assert.deepEqual(
      markedProcesses(marker[MARKER] ?? '').map(({ command }) => command),
      [],
    );
  });

  /** Disks and memories of checkpoints, by their contents. */
  function kept(): ReadonlyMap<string, string> {
    const files = readdirSync(disks, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
    const ofCheckpoints = paths.filter((path) => /^layer-.*(\.qcow2$|\.machine\/)/.test(relative(disks, path)));
    assert.ok(ofCheckpoints.some((path) => path.includes('.machine/')));
    return new Map(
      ofCheckpoints.map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex')] as const),
    );
  }

  /** The folder of a machine whose disk is at its place already, and whose memory is not. */
  async function untilSaved({ child }: KilnProcess): Promise<string | undefined> {
    while (child.exitCode === null) {
      const found = readdirSync(disks).find(
        (name) =>
          name.endsWith('.machine') &&
          existsSync(join(disks, name.replace(/machine$/, 'qcow2'))) &&
          !existsSync(join(disks, name, 'machine.json')),
      );
      if (found !== undefined) return found;
      await delay(2);
    }
    return undefined;
  }
});

function messages({ stdout }: KilnProcess): readonly string[] {
  return stdout.map((line) => String((JSON.parse(line) as { message?: unknown }).message ?? ''));
}

const says = (log: readonly string[], pattern: RegExp): boolean => log.some((line) => pattern.test(line));
const boots = (log: readonly string[]): number => log.filter((line) => /^booting i-/.test(line)).length;
const resumes = (log: readonly string[]): number => log.filter((line) => /^resuming i-/.test(line)).length;
