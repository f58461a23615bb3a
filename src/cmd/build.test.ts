/** How `kiln build` ends, on a service without machines. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { BuilderFault } from '../util/faults.ts';
import { build } from './build.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { parseArguments } from './parse-arguments.ts';
import { openTestService, type TestService } from './service.fixture.ts';
import { template } from './template.fixture.ts';

interface Ended {
  readonly code: ExitCode | undefined;
  readonly thrown: unknown;
  /** The last event. */
  readonly done: Readonly<Record<string, unknown>>;
}

async function buildJson({ config, folder }: TestService): Promise<Ended> {
  const file = join(folder, 'template.yaml');
  await writeFile(file, template('echo work').replace('WORK', join(folder, 'work')));
  const args = parseArguments('build', build, [file, '--json', '-o', join(folder, 'out.qcow2')]);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdout, stderr, colour: false } as unknown as Parameters<typeof build.run>[1]['io'];
  let thrown: unknown;
  const code = await build.run(args, { config, io, signal: new AbortController().signal }).catch((error: unknown) => {
    thrown = error;
    return undefined;
  });
  const lines = String(stdout.end().read()).trimEnd().split('\n');
  return { code, thrown, done: JSON.parse(lines.at(-1) ?? '') };
}

test('when the file cannot be written the image is told first, and then what is wrong', async () => {
  await using service = await openTestService();
  // The image is in the store of the simulated machines, not in that of the home.
  const { thrown, done } = await buildJson(service);
  assert.equal(done['event'], 'done');
  assert.equal(done['status'], 'AVAILABLE');
  assert.match(String(done['amiId']), /^ami-/);
  assert.ok(thrown instanceof BuilderFault, String(thrown));
  assert.equal(done['fault'], thrown.message);
});

test('a build that lacks a program of its host ends as a command that lacks one', async () => {
  await using service = await openTestService();
  service.buildHost.faults.launch = async () => {
    throw new BuilderFault('Cannot start qemu: it is not installed.', {
      missingPrerequisite: true,
      hint: 'Install it',
    });
  };
  const { code, done } = await buildJson(service);
  assert.equal(done['status'], 'FAILED');
  assert.match(String(done['reason']), /not installed.*Install it/);
  assert.equal(code, EXIT.missingPrerequisite);
});

test('a build that fails for another reason ends with 1', async () => {
  await using service = await openTestService();
  service.buildHost.faults.launch = async () => {
    throw new BuilderFault('QEMU has crashed');
  };
  assert.equal((await buildJson(service)).code, EXIT.failed);
});
