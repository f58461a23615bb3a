import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateComponentCommand,
  CreateImageCommand,
  CreateImageRecipeCommand,
  CreateInfrastructureConfigurationCommand,
  DeleteImageCommand,
  GetImageCommand,
  type Image,
  ListWorkflowExecutionsCommand,
  paginateListImagePackages,
  paginateListWorkflowStepExecutions,
  ResourceNotFoundException,
} from '@aws-sdk/client-imagebuilder';
import { type KilnHome, type KilnProcess, makeKilnHome } from '../kiln-home.ts';
import { awsCli } from './aws-cli.ts';
import { clientOf, HELLO_COMPONENT, PARENT_IMAGE, readExports } from './drive-build.ts';

const TERMINAL = new Set(['AVAILABLE', 'FAILED', 'CANCELLED']);

/** One test of this file boots what was built; without the others' boots the run is minutes shorter. */
const WITHOUT_TESTS = { imageTestsEnabled: false };

let home: KilnHome;
let server: KilnProcess;
let environment: Readonly<Record<string, string>>;

before(async () => {
  home = await makeKilnHome({ withBaseImages: true });
  server = home.start(['serve', '--port', '0']);
  await server.line((line) => line.includes('http://127.0.0.1:'));
  const env = home.start(['env']);
  assert.equal(await env.ended, 0, env.stderr.join('\n'));
  environment = readExports(env.stdout);
});

after(async () => {
  await home[Symbol.asyncDispose]();
});

test('the smallest example is built as it is, tested on a machine, and written as a vmdk', async () => {
  const template = join(import.meta.dirname, '../../examples/hello/template.yaml');
  const build = home.start(['build', template, '--format', 'vmdk', '--json']);
  assert.equal(await build.ended, 0, [...build.stdout, ...build.stderr].slice(-30).join('\n'));
  const { event, imageBuildVersionArn, status, amiId, file, seconds, steps, ...more } = JSON.parse(
    build.stdout.at(-1) ?? '',
  );
  assert.deepEqual([event, status], ['done', 'AVAILABLE']);
  assert.match(imageBuildVersionArn, /:image\/hello\/1\.0\.0\/1$/);
  assert.match(amiId, /^ami-[0-9a-f]{17}$/);
  assert.equal(file, join(realpathSync(home.work), 'hello-1.0.0.vmdk'));
  assert.equal(readFileSync(file).toString('latin1', 0, 4), 'KDMV');
  assert.ok(seconds > 0);
  assert.deepEqual(more, { ranOn: { executors: ['direct'], because: null } });
  assert.deepEqual(
    steps.map((step: Record<string, unknown>) => [step['workflow'], step['action'], step['status']]),
    [
      ['build-image', 'LaunchInstance', 'COMPLETED'],
      ['build-image', 'ExecuteComponents', 'COMPLETED'],
      ['build-image', 'CollectImageMetadata', 'COMPLETED'],
      ['build-image', 'SanitizeInstance', 'COMPLETED'],
      ['build-image', 'CreateImage', 'COMPLETED'],
      ['build-image', 'TerminateInstance', 'COMPLETED'],
      ['test-image', 'LaunchInstance', 'COMPLETED'],
      ['test-image', 'ExecuteComponents', 'COMPLETED'],
      ['test-image', 'TerminateInstance', 'COMPLETED'],
    ],
  );
  assert.ok(steps.every((step: Record<string, unknown>) => typeof step['seconds'] === 'number'));
});

test('a build driven by the JavaScript SDK reaches AVAILABLE with its packages and its steps on record', async () => {
  const client = clientOf(environment);
  const component = await client.send(
    new CreateComponentCommand({
      name: 'sdk-hello',
      semanticVersion: '1.0.0',
      platform: 'Linux',
      data: HELLO_COMPONENT,
    }),
  );
  const recipe = await client.send(
    new CreateImageRecipeCommand({
      name: 'sdk-hello',
      semanticVersion: '1.0.x',
      parentImage: PARENT_IMAGE,
      components: [{ componentArn: component.componentBuildVersionArn }],
    }),
  );
  const infrastructure = await client.send(
    new CreateInfrastructureConfigurationCommand({ name: 'sdk-hello', instanceProfileName: 'builder' }),
  );
  const { imageBuildVersionArn } = await client.send(
    new CreateImageCommand({
      imageRecipeArn: recipe.imageRecipeArn,
      infrastructureConfigurationArn: infrastructure.infrastructureConfigurationArn,
      imageTestsConfiguration: WITHOUT_TESTS,
    }),
  );
  assert.ok(imageBuildVersionArn);

  // AWS's clients have no other way than to ask again.
  let image: Image | undefined;
  do {
    await delay(500);
    image = (await client.send(new GetImageCommand({ imageBuildVersionArn }))).image;
  } while (!TERMINAL.has(image?.state?.status ?? ''));
  assert.equal(image?.state?.status, 'AVAILABLE', image?.state?.reason);
  assert.match(image?.outputResources?.amis?.[0]?.image ?? '', /^ami-[0-9a-f]{17}$/);
  assert.match(image?.osVersion ?? '', /^Debian/);

  const packages: string[] = [];
  for await (const page of paginateListImagePackages({ client }, { imageBuildVersionArn })) {
    packages.push(...(page.imagePackageList ?? []).map((entry) => entry.packageName ?? ''));
  }
  assert.ok(packages.includes('openssh-server'));
  assert.ok(packages.length > 100, `${packages.length} packages`);

  const workflows = await client.send(new ListWorkflowExecutionsCommand({ imageBuildVersionArn }));
  const statuses: string[] = [];
  for (const { workflowExecutionId } of workflows.workflowExecutions ?? []) {
    assert.ok(workflowExecutionId);
    for await (const page of paginateListWorkflowStepExecutions({ client }, { workflowExecutionId })) {
      statuses.push(...(page.steps ?? []).map((step) => `${step.action} ${step.status}`));
    }
  }
  assert.deepEqual(statuses.toSorted(), [
    'CollectImageMetadata COMPLETED',
    'CreateImage COMPLETED',
    'ExecuteComponents COMPLETED',
    'LaunchInstance COMPLETED',
    'SanitizeInstance COMPLETED',
    'TerminateInstance COMPLETED',
  ]);

  await client.send(new DeleteImageCommand({ imageBuildVersionArn }));
  await assert.rejects(client.send(new GetImageCommand({ imageBuildVersionArn })), ResourceNotFoundException);
  client.destroy();
});

test('a build driven by the AWS CLI reaches AVAILABLE', async () => {
  const component = await aws('create-component', {
    name: 'cli-hello',
    semanticVersion: '1.0.0',
    platform: 'Linux',
    data: HELLO_COMPONENT,
    tags: { made: 'by the CLI' },
  });
  const recipe = await aws('create-image-recipe', {
    name: 'cli-hello',
    semanticVersion: '1.0.0',
    parentImage: PARENT_IMAGE,
    components: [{ componentArn: component['componentBuildVersionArn'] }],
  });
  const infrastructure = await aws('create-infrastructure-configuration', {
    name: 'cli-hello',
    instanceProfileName: 'builder',
  });
  const { imageBuildVersionArn } = await aws('create-image', {
    imageRecipeArn: recipe['imageRecipeArn'],
    infrastructureConfigurationArn: infrastructure['infrastructureConfigurationArn'],
    imageTestsConfiguration: WITHOUT_TESTS,
  });
  let state: { readonly status: string; readonly reason?: string };
  do {
    await delay(1_000);
    const answer = await aws('get-image', { imageBuildVersionArn });
    state = (answer['image'] as { readonly state: typeof state }).state;
  } while (!TERMINAL.has(state.status));
  assert.equal(state.status, 'AVAILABLE', state.reason);

  const tags = await aws('list-tags-for-resource', { resourceArn: component['componentBuildVersionArn'] });
  assert.deepEqual(tags['tags'], { made: 'by the CLI' });
  await assert.rejects(
    aws('delete-component', { componentBuildVersionArn: component['componentBuildVersionArn'] }),
    /ResourceDependencyException/,
  );
});

function aws(operation: string, input: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const place = {
    url: environment['AWS_ENDPOINT_URL_IMAGEBUILDER'] ?? '',
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    folder: home.work,
  };
  return awsCli(place)(operation, '--cli-input-json', JSON.stringify(input));
}
