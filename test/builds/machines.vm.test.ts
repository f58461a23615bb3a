import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { joinStore } from '../../src/state/open-store.ts';
import { COLD_ACCOUNT, COLD_RECIPE } from '../cold-build.ts';
import { type DiskContents, diskOf, readDisk } from '../disk-contents.ts';
import { type KilnHome, type KilnProcess, makeKilnHome } from '../kiln-home.ts';
import { MARKER, markedProcesses } from '../leaks.ts';
import { bash, templateOf } from './template.ts';
import { assertSameBothWays, USER_FILES } from './two-ways.ts';

const never = new AbortController().signal;

/** What says when it was written, or has a name that the service manager draws at a boot. */
const OTHERS = /^\/(var\/(log|lib\/systemd)\/|tmp\/systemd-private-)/;

const { slow } = COLD_RECIPE;
/** Is over before it would pay to keep the machine: `kiln shell` runs it again. */
const short = { name: 'Short', action: 'CreateFile', inputs: [{ path: '/root/short', content: 'short\n' }] };
const writes = (text: string): unknown => bash('Write', [`echo ${text} >> /root/written`]);

/** The tests lie one upon the other: what one build keeps the next one goes on from. */
describe('builds on machines go on from machines that were kept', () => {
  let home: KilnHome;
  let disks: string;
  /** Nothing on the disk of the base image was written later. */
  const begin = statSync(process.env['KILN_TEST_BASE'] ?? '').mtime;
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-machines`, ...COLD_ACCOUNT };
  before(async () => {
    home = await makeKilnHome({ withBaseImages: true, withColdBuild: true });
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
  /** What was built, by its recipe. */
  const images = new Map<string, { readonly amiId: string; readonly arn: string }>();
  /** Gives what the log of the build says. */
  async function build(
    name: string,
    components: Readonly<Record<string, unknown>>,
    ...more: readonly string[]
  ): Promise<readonly string[]> {
    const process = start(name, components, '-o', join(home.work, `${name}.qcow2`), ...more);
    assert.equal(await process.ended, 0, [...process.stdout, ...process.stderr].slice(-40).join('\n'));
    const { amiId, imageBuildVersionArn } = JSON.parse(process.stdout.at(-1) ?? '{}') as Record<string, unknown>;
    images.set(name, { amiId: String(amiId), arn: String(imageBuildVersionArn) });
    return messages(process);
  }
  const readAmi = (amiId = ''): Promise<DiskContents> =>
    readDisk(diskOf(home, amiId), ['/root/slow', '/root/written', '/root/short'], begin);
  const read = (name: string): Promise<DiskContents> => readAmi(images.get(name)?.amiId);

  test('with the work of the components before the one that has changed, and the image is that of a cold build', async () => {
    const cold = process.env['KILN_TEST_COLD_AMI'] ?? '';
    const miss = await readAmi(cold);
    // Or the image would be found, and nothing built.
    const removal = home.start(['rm', cold], marker);
    assert.equal(await removal.ended, 0, removal.stderr.join('\n'));
    const changed = await build('changed', COLD_RECIPE);
    assert.deepEqual([boots(changed), resumes(changed)], [0, 1], changed.join('\n'));
    assert.ok(says(changed, /^slow is reused: it ran at/) && !says(changed, /^two is reused/), changed.join('\n'));

    const hit = await read('changed');
    assert.deepEqual(hit.files, { '/root/slow': 'slow\n', '/root/written': 'two\n', '/root/short': undefined });
    const paths = new Set([...hit.tree.keys(), ...miss.tree.keys()]);
    const different = [...paths].filter((path) => hit.tree.get(path) !== miss.tree.get(path) && !OTHERS.test(path));
    assert.deepEqual(
      different.map((path) => `${path}: ${hit.tree.get(path)}, ${miss.tree.get(path)}`),
      [],
    );
    assert.deepEqual(hit.packages, miss.packages);
    assert.deepEqual(hit.enabledUnits, miss.enabledUnits);
    assert.deepEqual(hit.attributes, miss.attributes);
    assert.ok(
      !hit.tree.has('/var/lib/cloud/late') && !miss.tree.has('/var/lib/cloud/late'),
      'the clean-up waits for it',
    );
  });

  test('and one recipe makes the same image on its mounted disk and on a machine', async () => {
    const template = join(import.meta.dirname, 'two-ways.yaml');
    const builtOn = async (executor: 'direct' | 'vm', ...more: readonly string[]): Promise<DiskContents> => {
      const out = ['-o', join(home.work, `two-ways-${executor}.qcow2`)];
      const process = home.start(['build', template, '--executor', executor, '--json', ...out, ...more], marker);
      assert.equal(await process.ended, 0, [...process.stdout, ...process.stderr].slice(-40).join('\n'));
      const done = JSON.parse(process.stdout.at(-1) ?? '{}') as Record<string, unknown>;
      const because = executor === 'vm' ? 'the executor is vm' : null;
      assert.deepEqual(done['ranOn'], { executors: [executor], because });
      // For a new recipe that has booted the parent and nothing more.
      const log = messages(process);
      assert.deepEqual([boots(log), resumes(log)], [0, executor === 'vm' ? 1 : 0], log.join('\n'));
      assert.equal(says(log, /^A machine that has booted ami-[0-9a-f]{17} goes on$/), executor === 'vm');
      assert.ok(!says(log, /is reused: it ran at/), log.join('\n'));
      return readDisk(diskOf(home, String(done['amiId'])), USER_FILES, begin);
    };
    const vm = await builtOn('vm');
    // What the first component left on the machine is not to be what this begins with.
    assertSameBothWays(await builtOn('direct', '--no-cache'), vm);
  });

  test('that a build needs whose component failed on the mounted disk, and that it keeps when it fails there too', async () => {
    const steps = [bash('Explode', ['echo "the fuse is lit"', 'echo "no such fuel" >&2', 'exit 3'])];
    const template = join(home.work, 'broken.json');
    const infrastructure = { TerminateInstanceOnFailure: false };
    writeFileSync(template, templateOf({ name: 'broken', components: { broken: steps }, infrastructure }));
    // No service runs before or after it: the instance needs none.
    const build = home.start(['build', template], marker);
    assert.equal(await build.ended, 1);
    const output = [...build.stdout, ...build.stderr].join('\n');
    const named = [/component\/broken\/1\.0\.0\/1/, /build/, /Explode/, /exit status 3/, /no such fuel/, /kiln rm /];
    for (const expected of named) assert.match(output, expected);
    assert.match(output, /Booting the disk as it was before Component 'broken': step Explode failed without a running/);
    assert.match(output, /A machine goes on that an earlier build had booted on the same disk/);
    const enter = /enter it: +(ssh .*-p \d+ .*root@127\.0\.0\.1)$/m.exec(output)?.[1] ?? '';
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `${enter} 'echo entered "$(hostname)"'`]);
    assert.match(stdout, /^entered ./);
    const arn = /arn:aws:imagebuilder:[^ ]*:image\/broken\/1\.0\.0\/1/.exec(output)?.[0] ?? '';

    const removal = home.start(['rm', arn], marker);
    assert.equal(await removal.ended, 0, removal.stderr.join('\n'));
    assert.match(removal.stdout.join('\n'), /ended its instance/);
    await assert.rejects(promisify(execFile)('/bin/sh', ['-c', `${enter} true`]), { code: 255 });
    assert.deepEqual(readdirSync(join(home.path, 'run/instances')), []);
    const left = home.start(['images', '--json'], marker);
    assert.equal(await left.ended, 0);
    assert.ok(!left.stdout.some((line) => line.includes('image/broken/')), left.stdout.join('\n'));
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
    const killed = start('killed', { slow, count, last: bash('Last', ['echo short > /root/short']) });
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
      images.set('killed', { amiId: JSON.stringify(image.output_resources), arn: image.arn });
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
