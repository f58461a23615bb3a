import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { apply } from '../../../src/cmd/apply.ts';
import { runCommand } from '../../../src/cmd/command.fixture.ts';
import type { Command } from '../../../src/cmd/command.ts';
import { destroy } from '../../../src/cmd/destroy.ts';
import { openTestService, type TestService } from '../../../src/cmd/service.fixture.ts';

/** Synthesises the app and gives the template of its stack. */
async function synthesise({ folder }: TestService, words: string, version: string): Promise<string> {
  const out = join(folder, 'cdk.out');
  const app = join(import.meta.dirname, 'app.ts');
  // CDK keeps fingerprints of files in the home folder.
  const env = { ...process.env, HOME: folder };
  await promisify(execFile)(process.execPath, [app, out, words, version, join(folder, 'work')], { env });
  return join(out, 'Web.template.json');
}

/** What a command told of each resource: `created component/page/1.0.0/1`. */
async function changes(service: TestService, command: Command, argv: readonly string[]): Promise<readonly string[]> {
  const { code, stdout } = await runCommand(command, [...argv, '--json'], service.config);
  assert.equal(code, 0, stdout);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; arn?: string; outcome?: string });
  return events
    .filter(({ event }) => event === 'applied' || event === 'removed')
    .map(({ arn = '', outcome }) => `${outcome} ${arn.split(':').slice(5).join(':')}`);
}

test('a stack of CDK is applied, left alone, changed and destroyed', async () => {
  await using service = await openTestService();
  const template = await synthesise(service, 'hello', '1.0.0');
  const created = await changes(service, apply, [template]);
  const [hardening = '', infrastructure = '', distribution = ''] = ['component', 'infrastructure', 'distribution'].map(
    (kind) => created.find((line) => line.includes(` ${kind}`) && line.includes('/web-'))?.replace('created ', ''),
  );
  assert.match(hardening, /^component\/web-hardening-[0-9a-f]{8}\/1\.0\.0\/1$/);
  assert.deepEqual(created, [
    'created component/page/1.0.0/1',
    `created ${hardening}`,
    'created image-recipe/web/1.0.0',
    `created ${infrastructure}`,
    `created ${distribution}`,
    'created workflow/test/check/1.0.0/1',
    'created image-pipeline/web',
    'created image/web/1.0.0/1',
    'created infrastructure-configuration/low',
    'created lifecycle-policy/old',
  ]);
  const again = await runCommand(apply, [template], service.config);
  assert.match(again.stdout, /^stack Web: 10 unchanged$/m);
  assert.match(again.stdout, /^name only {2}AWS::IAM::Role InfrastructureInstanceProfileRole\w+: Web-/m);
  assert.match(again.stdout, /^Account = [0-9]{12}$/m);

  await synthesise(service, 'bye', '1.0.1');
  const changed = await changes(service, apply, [template, '-p', 'Stage=production']);
  assert.deepEqual(
    changed.filter((line) => !line.startsWith('unchanged')),
    [
      'created component/page/1.0.0/2',
      'created image-recipe/web/1.0.1',
      'updated image-pipeline/web',
      'created image/web/1.0.1/1',
      'updated infrastructure-configuration/low',
      'created component/extra/1.0.0/1',
      'removed image-recipe/web/1.0.0',
      'removed image/web/1.0.0/1',
      'removed component/page/1.0.0/1',
    ],
  );

  const removed = await changes(service, destroy, [template]);
  assert.deepEqual(
    removed.map((line) => line.replace(/\/.*/, '')),
    [
      'removed lifecycle-policy',
      'removed image-pipeline',
      'removed image-recipe',
      'removed image',
      'removed infrastructure-configuration',
      'removed infrastructure-configuration',
      'removed distribution-configuration',
      'removed workflow',
      'removed component',
      'removed component',
      'removed component',
    ],
  );
  assert.deepEqual(await changes(service, destroy, [template]), []);
});
