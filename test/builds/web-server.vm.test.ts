import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeKilnHome } from '../kiln-home.ts';
import { bootPlainly } from '../plain-qemu.ts';

const template = join(import.meta.dirname, '../../examples/web-server/template.yaml');

test('the web-server example becomes a tested image that serves its page under plain QEMU', async () => {
  await using home = await makeKilnHome({ withBaseImages: true });
  const file = join(home.work, 'web.qcow2');
  const build = home.start(['build', template, '--json', '-o', file, '-p', 'Title=Out of the oven']);
  const code = await build.ended;
  const events = build.stdout.map((line): Record<string, unknown> => JSON.parse(line));
  assert.equal(code, 0, [...build.stdout, ...build.stderr].slice(-40).join('\n'));

  const done = events.at(-1);
  assert.equal(done?.['event'], 'done');
  assert.equal(done['status'], 'AVAILABLE');
  assert.match(String(done['imageBuildVersionArn']), /:image\/web-server\/1\.0\.0\/1$/);
  assert.match(String(done['amiId']), /^ami-[0-9a-f]{17}$/);
  assert.equal(done['file'], file);
  assert.equal(typeof done['seconds'], 'number');
  assert.deepEqual(done['ranOn'], { executors: ['direct'], because: null });
  const steps = done['steps'] as readonly Record<string, unknown>[];
  assert.deepEqual(
    steps.map(({ workflow, name, action, status }) => [workflow, name, action, status]),
    [
      ['build-image', 'LaunchBuildInstance', 'LaunchInstance', 'COMPLETED'],
      ['build-image', 'ApplyBuildComponents', 'ExecuteComponents', 'COMPLETED'],
      ['build-image', 'InventoryCollection', 'CollectImageMetadata', 'COMPLETED'],
      ['build-image', 'RunSanitizeScript', 'SanitizeInstance', 'COMPLETED'],
      ['build-image', 'CreateOutputAMI', 'CreateImage', 'COMPLETED'],
      ['build-image', 'TerminateBuildInstance', 'TerminateInstance', 'COMPLETED'],
      ['test-image', 'LaunchTestInstance', 'LaunchInstance', 'COMPLETED'],
      ['test-image', 'ApplyTestComponents', 'ExecuteComponents', 'COMPLETED'],
      ['test-image', 'TerminateTestInstance', 'TerminateInstance', 'COMPLETED'],
    ],
  );
  assert.ok(statSync(file).size > 50 * 1024 * 1024);

  await using guest = await bootPlainly(file);
  assert.match(await firstAnswer(guest), /<h1>Out of the oven<\/h1>/);
});

/** Asks until the guest's server answers; its boot has no event that a stranger outside could wait for. */
async function firstAnswer(guest: {
  readonly url: string;
  readonly ended: Promise<unknown>;
  console(): string;
}): Promise<string> {
  let over = false;
  void guest.ended.then(() => {
    over = true;
  });
  const deadline = AbortSignal.timeout(5 * 60_000);
  for (;;) {
    try {
      const answer = await fetch(guest.url, { signal: AbortSignal.timeout(5_000) });
      if (answer.ok) return await answer.text();
    } catch {
      if (over || deadline.aborted)
        throw new Error(`the guest never answered; its console ends with:\n${guest.console().slice(-3000)}`);
      await delay(500);
    }
  }
}
