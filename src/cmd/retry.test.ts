import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  CreateComponentCommand,
  CreateImageCommand,
  CreateImageRecipeCommand,
  CreateInfrastructureConfigurationCommand,
  GetImageCommand,
  RetryImageCommand,
} from '@aws-sdk/client-imagebuilder';
import { script } from '../engine/simulated/build-bench.ts';
import { type SimulatedCheckpoints, simulatedCheckpoints } from '../engine/simulated/simulated-checkpoints.ts';
import { silentLog } from '../state/test-log.ts';
import { connect } from './connect.ts';
import { openTestService, type TestService } from './service.fixture.ts';

const never = new AbortController().signal;

async function checkpointsFor(t: TestContext): Promise<SimulatedCheckpoints> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-checkpoints-'));
  t.after(() => rm(folder, { recursive: true }));
  return simulatedCheckpoints(folder);
}

/** A build whose second component fails until a file is there. Gives what retries it, and what it became. */
async function failedBuild({ config, folder, service }: TestService) {
  const connection = await connect(config, never);
  const { client } = connection;
  const clientToken = (): string => crypto.randomUUID();
  const components: string[] = [];
  for (const [index, command] of ['echo first', `test -e ${join(folder, 'pass')}`].entries()) {
    const { componentBuildVersionArn = '' } = await client.send(
      new CreateComponentCommand({
        ...{ name: `tool-${index}`, semanticVersion: '1.0.0', platform: 'Linux', clientToken: clientToken() },
        data: `name: c\nschemaVersion: 1.0\nphases:\n${script({ build: command })}`,
      }),
    );
    components.push(componentBuildVersionArn);
  }
  const { imageRecipeArn } = await client.send(
    new CreateImageRecipeCommand({
      ...{ name: 'web', semanticVersion: '1.0.0', clientToken: clientToken() },
      parentImage: `arn:aws:imagebuilder:${connection.address.region}:aws:image/debian-server-12-x86/x.x.x`,
      components: components.map((componentArn) => ({ componentArn })),
      workingDirectory: join(folder, 'work'),
    }),
  );
  const { infrastructureConfigurationArn } = await client.send(
    new CreateInfrastructureConfigurationCommand({
      ...{ name: 'infra', instanceProfileName: 'profile', clientToken: clientToken() },
      tags: { 'kiln:executor': 'direct' },
    }),
  );
  const { imageBuildVersionArn = '' } = await client.send(
    new CreateImageCommand({
      ...{ imageRecipeArn, infrastructureConfigurationArn, clientToken: clientToken() },
      imageTestsConfiguration: { imageTestsEnabled: false },
    }),
  );
  await service.idle(never, () => {});
  return {
    imageArn: imageBuildVersionArn,
    retry: () => client.send(new RetryImageCommand({ imageBuildVersionArn, clientToken: clientToken() })),
    state: async () => (await client.send(new GetImageCommand({ imageBuildVersionArn }))).image?.state,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

test('a service knows the checkpoints of its home: a failed build is retried from one', async (t) => {
  await using service = await openTestService({}, silentLog, await checkpointsFor(t));
  await using build = await failedBuild(service);
  assert.equal((await build.state())?.status, 'FAILED');
  await writeFile(join(service.folder, 'pass'), '');
  await build.retry();
  await service.service.idle(never, () => {});
  const state = await build.state();
  assert.equal(state?.status, 'AVAILABLE', state?.reason);
  assert.notEqual(service.buildHost.launches.at(-1)?.parentDisk.path, service.buildHost.launches[0]?.parentDisk.path);
  assert.equal(service.buildHost.launches.length, 2);
});

test('a service without room for checkpoints refuses it, also when some are there', async (t) => {
  const checkpoints = await checkpointsFor(t);
  await using service = await openTestService({ KILN_CACHE_SIZE_GIB: '0' }, silentLog, checkpoints);
  await using build = await failedBuild(service);
  const facts = { components: [], image: build.imageArn };
  await checkpoints.put({ key: 'a'.repeat(64), parentAmiId: 'ami-1', layers: [], facts }, never);
  assert.equal((await build.state())?.status, 'FAILED');
  await assert.rejects(build.retry(), { name: 'InvalidRequestException', message: /there is neither: build it anew/ });
});
