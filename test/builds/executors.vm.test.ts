import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { diskOf, readDisk } from '../disk-contents.ts';
import { type KilnHome, makeKilnHome } from '../kiln-home.ts';
import { MARKER, markedProcesses } from '../leaks.ts';

const twoWays = join(import.meta.dirname, 'two-ways.yaml');
const handOver = join(import.meta.dirname, 'hand-over.yaml');

test('a mounted disk becomes a machine when one is needed, as it was before the component that needs it', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  const { contents, events } = await built(home, handOver);
  const why = 'it ran systemctl start, useradd, which only a running system can obey';
  assert.deepEqual(events.at(-1)?.['ranOn'], { executors: ['direct', 'vm'], because: why });
  const lines = events.map(({ message }) => String(message ?? ''));
  const moments = [
    "Component 'first' ran on the mounted disk",
    `Booting the disk as it was before Component 'second': ${why}`,
    'answers after',
    '[third] build/Write: success',
  ].map((moment) => lines.findIndex((line) => line.includes(moment)));
  assert.ok(!moments.includes(-1), lines.join('\n'));
  assert.deepEqual(
    moments,
    moments.toSorted((a, b) => a - b),
  );
  assert.ok(
    lines.some((line) => line.startsWith('Checkpoint of the running machine')),
    'kept for later builds',
  );
  // The first attempt of the second component has left nothing: it began again from where it had begun.
  const { files, tree } = contents;
  assert.match(
    files['/root/notes'] ?? '',
    /^first ran under kiln\nsecond ran under systemd\nthird ran under systemd\n$/,
  );
  // cloud-init's user was made by the boot in between, so the next one has the number after it, as on a machine.
  assert.match(files['/etc/passwd'] ?? '', /^debian:x:1000:[\s\S]*^app:x:1001:/m);
  assert.ok(tree.has('/home/app/.bashrc'));
  assert.equal(files['/etc/motd'], undefined);
});

/** Builds a template, and reads the disk of its image. */
async function built(home: KilnHome, template: string) {
  const begin = new Date();
  const file = join(home.work, `${basename(template)}.qcow2`);
  const build = home.start(['build', template, '--json', '-o', file]);
  const code = await build.ended;
  assert.equal(code, 0, [...build.stdout, ...build.stderr].slice(-40).join('\n'));
  const events = build.stdout.map((line): Record<string, unknown> => JSON.parse(line));
  const disk = diskOf(home, String(events.at(-1)?.['amiId']));
  const contents = await readDisk(disk, ['/etc/passwd', '/root/notes', '/etc/motd'], begin);
  return { events, contents };
}

test('an interruption while the disk is handed over leaves nothing', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-handed-over` };
  const build = home.start(['build', handOver, '--json'], marker);
  await build.line((line) => line.includes('Booting the disk as it was before'));
  build.child.kill('SIGINT');
  assert.equal(await build.ended, 130);
  assertNothingLeft(home, marker);
});

test('what a killed build on a mounted disk leaves is taken away by the next start', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-mounted-killed` };
  const build = home.start(['build', twoWays, '--executor', 'direct', '--json'], marker);
  await build.line((line) => line.includes('[packages] build/Install'));
  const loops = (): number =>
    readFileSync('/proc/partitions', 'utf8')
      .split('\n')
      .filter((line) => / loop\d/.test(line)).length;
  assert.ok(loops() > 0);
  build.child.kill('SIGKILL');
  assert.equal(await build.ended, 137);
  const daemons = markedProcesses(marker[MARKER] ?? '').filter(({ command }) => command.includes('storage-daemon'));
  assert.equal(daemons.length, 1, 'the daemon with the disk survives');

  // It begins the build anew, once it has taken away what is left of the first time.
  const server = home.start(['serve', '--port', '0'], marker);
  await server.line((line) => line.includes('http://127.0.0.1:'));
  while (existsSync(`/proc/${daemons[0]?.pid}`)) await delay(50);
  server.child.kill('SIGTERM');
  await server.ended;
  assertNothingLeft(home, marker);
});

function assertNothingLeft(home: KilnHome, marker: Readonly<Record<string, string>>): void {
  assert.deepEqual(
    markedProcesses(marker[MARKER] ?? '').map(({ command }) => command),
    [],
  );
  for (const name of ['run/instances', 'run/mounted']) {
    const folder = join(home.path, name);
    assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
  }
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(home.path));
  const devices = readdirSync('/sys/block').filter((name) => name.startsWith('loop'));
  const backing = devices
    .map((name) => join('/sys/block', name, 'loop/backing_file'))
    .filter((path) => existsSync(path));
  for (const path of backing) assert.doesNotMatch(readFileSync(path, 'utf8'), new RegExp(home.path));
}
