import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GetComponentCommand, Image, ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import type { Instance } from '../build-host/build-host.ts';
import { localTarget } from '../toe/targets/local.ts';
import { BuilderFault } from '../util/faults.ts';
import { openTestHome } from './command.fixture.ts';
import type { CommandContext } from './command.ts';
import { readConfig } from './config.ts';
import { readLacking, runAgain } from './run-again.ts';

const { signal } = new AbortController();

test('components that a kept machine lacks run again with their parameters, as in the build', async () => {
  await using scene = await openTestHome();
  const write = (text: string): string => `echo "${text}" >> ${join(scene.folder, 'written')}`;
  const documents: Record<string, string> = {
    one: documentOf(write('{{ Name }} in $IMAGE_VERSION of $IMAGE_PHASE at {{ aws:imds:placement/region }}')),
    two: documentOf(write('two')),
    bad: documentOf('exit 3'),
  };
  const arn = (name: string): string => `arn:aws:imagebuilder:eu-west-3:123456789012:component/${name}/1.0.0/1`;
  const client = {
    send: async (command: GetComponentCommand) => ({
      component: { data: documents[command.input.componentBuildVersionArn?.split('/')[1] ?? ''] },
    }),
  } as unknown as ImagebuilderClient;
  const image = {
    arn: 'arn:aws:imagebuilder:eu-west-3:123456789012:image/web/1.2.3/4',
    version: '1.2.3',
    imageRecipe: { workingDirectory: join(scene.folder, 'work') },
  } as Image;
  const context = { config: readConfig({ KILN_HOME: scene.home.path }, {}), signal } as CommandContext;
  const instance = {
    instanceId: 'i-0123456789abcdef0',
    target: localTarget({ environment: { PATH: process.env['PATH'] ?? '' }, cwd: scene.folder }),
  } as unknown as Instance;
  const lines: string[] = [];
  const monitor = { line: (_: string, text: string) => void lines.push(text) };
  const again = async (...names: readonly string[]): Promise<void> => {
    const noted = names.map((name) => ({ component: arn(name), parameters: name === 'one' ? { Name: 'first' } : {} }));
    await runAgain(await readLacking(JSON.stringify(noted), image, client, signal), instance, context, monitor);
  };
  await again('one', 'two');
  assert.equal(await readFile(join(scene.folder, 'written'), 'utf8'), 'first in 1.2.3 of BUILDING at eu-west-3\ntwo\n');
  assert.equal(lines[0], 'Running one, two again, which ended too quickly to be kept');
  await assert.rejects(
    again('two', 'bad'),
    (error) => error instanceof BuilderFault && /bad ended well .* step Run fails: exit status 3/.test(error.message),
  );
});

/** Its second phase is no part of a build. */
function documentOf(command: string): string {
  const step = (run: string) => ({ name: 'Run', action: 'ExecuteBash', inputs: { commands: [run] } });
  return JSON.stringify({
    schemaVersion: '1.0',
    parameters: [{ Name: { type: 'string', default: 'none' } }],
    phases: [
      { name: 'build', steps: [step(command)] },
      { name: 'test', steps: [step('exit 4')] },
    ],
  });
}
