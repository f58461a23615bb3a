import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeKilnHome } from '../kiln-home.ts';
import { MARKER, markedProcesses } from '../leaks.ts';

const template = join(import.meta.dirname, '../../examples/hello/template.yaml');

test('after SIGKILL in the middle of a build the next start ends the guest and the image is not stuck', async () => {
  await using home = makeKilnHome({ withBaseImages: true });
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-killed` };
  const build = home.start(['build', template, '--executor', 'vm', '--json'], marker);
  // The guest has answered: the components are about to run.
  await build.line((line) => line.includes('"LaunchBuildInstance"') && line.includes('"COMPLETED"'));
  assert.deepEqual(guests(marker), 1);
  build.child.kill('SIGKILL');
  assert.equal(await build.ended, 137);
  assert.deepEqual(guests(marker), 1, 'the guest lives in a process group of its own and survives');

  const images = home.start(['images', '--json'], marker);
  assert.equal(await images.ended, 0, images.stderr.join('\n'));
  const [image] = images.stdout.map((line): Record<string, unknown> => JSON.parse(line));
  assert.equal(image?.['status'], 'FAILED');
  assert.match(String(image['reason']), /Kiln was stopped/);
  assert.equal(guests(marker), 0, 'the guest is gone');
  const instances = join(home.path, 'run/instances');
  assert.deepEqual(existsSync(instances) ? readdirSync(instances) : [], []);
  assert.deepEqual(
    markedProcesses(marker[MARKER] ?? '').map(({ command }) => command),
    [],
  );
});

test('Ctrl-C during a build ends the guest, leaves no file and the image is CANCELLED', async () => {
  await using home = makeKilnHome({ withBaseImages: true });
  const marker = { [MARKER]: `${process.env[MARKER] ?? 'none'}-interrupted` };
  const build = home.start(['build', template, '--executor', 'vm', '--json'], marker);
  await build.line((line) => line.includes('"LaunchBuildInstance"') && line.includes('"RUNNING"'));
  build.child.kill('SIGINT');
  assert.equal(await build.ended, 130);
  assert.deepEqual(
    markedProcesses(marker[MARKER] ?? '').map(({ command }) => command),
    [],
  );
  const instances = join(home.path, 'run/instances');
  assert.deepEqual(existsSync(instances) ? readdirSync(instances) : [], []);

  const images = home.start(['images', '--json'], marker);
  assert.equal(await images.ended, 0, images.stderr.join('\n'));
  const [image] = images.stdout.map((line): Record<string, unknown> => JSON.parse(line));
  assert.equal(image?.['status'], 'CANCELLED');
});

function guests(marker: Readonly<Record<string, string>>): number {
  return markedProcesses(marker[MARKER] ?? '').filter(({ command }) => command.includes('qemu-system')).length;
}
