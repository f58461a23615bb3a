import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockHome } from '../state/home-lock.ts';
import { plan } from '../template/test-template.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { buildImage } from './build-image.ts';
import { chooseBuild } from './choose-build.ts';
import { connect } from './connect.ts';
import type { BuildOutcome } from './display/build-outcome.ts';
import { createJsonReport } from './display/json-report.ts';
import { openTestService, type TestService } from './service.fixture.ts';
import { followBuild } from './service-client.ts';

const never = new AbortController().signal;

const template = (command: string, more = ''): string => `
Resources:
  Tool:
    Type: AWS::ImageBuilder::Component
    Properties:
      Name: tool
      Version: 1.0.0
      Platform: Linux
      Data: |
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - name: Work
                action: ExecuteBash
                inputs:
                  commands:
                    - ${command}
  Recipe:
    Type: AWS::ImageBuilder::ImageRecipe
    Properties:
      Name: web
      Version: 1.0.0
      ParentImage: arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x
      Components: [{ ComponentArn: !Ref Tool }]
      WorkingDirectory: WORK
  Infrastructure:
    Type: AWS::ImageBuilder::InfrastructureConfiguration
    Properties: { Name: web, InstanceProfileName: profile${more} }
  Image:
    Type: AWS::ImageBuilder::Image
    Properties: { ImageRecipeArn: !Ref Recipe, InfrastructureConfigurationArn: !Ref Infrastructure }
Outputs:
  Ami: { Value: !GetAtt Image.ImageId }
  Recipe: { Value: !Ref Recipe }
`;

interface Build {
  readonly outcome: BuildOutcome;
  readonly events: readonly Record<string, unknown>[];
}

/** What `kiln build --json` does, with another disk copier. */
async function build(
  test: TestService,
  text: string,
  signal = never,
  onEvent?: (event: string) => void,
): Promise<Build> {
  const { config, folder, buildHost } = test;
  await using connection = await connect(config, never);
  const planned = await plan(text.replace('WORK', join(folder, 'work')), { accountId: connection.accountId });
  const events: Record<string, unknown>[] = [];
  const outcome = await buildImage({
    config,
    connection,
    plan: planned,
    choice: chooseBuild(planned, undefined),
    output: { file: join(folder, 'out.qcow2'), format: 'qcow2' },
    report: createJsonReport((line) => {
      events.push(JSON.parse(line));
      onEvent?.(line);
    }),
    machine: {
      exportImage: async (amiId, file) => {
        await writeFile(file, amiId);
        return { bytes: amiId.length };
      },
      prepareExport: async () => {},
      keptInstances: async (arn) => {
        const kept = (await buildHost.list()).filter(({ owner }) => owner === arn);
        return kept.map(({ instanceId }) => ({ instanceId, enterCommand: `enter ${instanceId}` }));
      },
    },
    signal,
    startedAt: performance.now(),
  });
  return { outcome, events };
}

test('a template becomes an AVAILABLE image in a file, told from beginning to end', async () => {
  await using service = await openTestService();
  const { outcome, events } = await build(service, template('echo some work'));
  assert.equal(outcome.status, 'AVAILABLE', outcome.reason);
  assert.equal(await readFile(outcome.file ?? '', 'utf8'), outcome.amiId);
  assert.deepEqual(outcome.outputs, [
    { name: 'Ami', value: outcome.amiId },
    { name: 'Recipe', value: outcome.imageBuildVersionArn.replace(/:image\/web.*/, ':image-recipe/web/1.0.0') },
  ]);
  assert.ok(outcome.steps.length > 5);
  for (const { name, status, seconds } of outcome.steps) {
    // There is nothing to test.
    assert.equal(status, name === 'ApplyTestComponents' ? 'SKIPPED' : 'COMPLETED', name);
    assert.equal(typeof seconds, 'number', name);
  }
  const kinds = new Set(events.map((event) => event['event']));
  assert.deepEqual([...kinds].toSorted(), ['applied', 'end', 'image', 'log', 'note', 'started', 'step']);
  assert.ok(events.some((event) => event['event'] === 'log' && event['message'] === 'some work'));
});

test('a component that fails is named with phase, step, error and last lines', async () => {
  await using service = await openTestService();
  const { outcome } = await build(service, template('echo no such fuel >&2; exit 3'));
  assert.equal(outcome.status, 'FAILED');
  assert.equal(outcome.file, undefined);
  assert.match(outcome.failure?.componentArn ?? '', /component\/tool\/1\.0\.0\/1$/);
  assert.equal(outcome.failure?.phaseName, 'build');
  assert.equal(outcome.failure?.stepName, 'Work');
  assert.match(outcome.failure?.errorMessage ?? '', /exit status 3/);
  assert.ok(outcome.tail.includes('no such fuel'));
  assert.deepEqual(outcome.keptInstances, []);
});

test('an instance that was to be kept is told with how to enter it', async () => {
  await using service = await openTestService();
  const { outcome } = await build(service, template('exit 3', ', TerminateInstanceOnFailure: false'));
  assert.equal(outcome.keptInstances.length, 1);
  assert.match(outcome.keptInstances[0]?.enterCommand ?? '', /^enter i-[0-9a-f]{17}$/);
});

test('an interrupted build is cancelled and nothing of it is left', async () => {
  await using service = await openTestService();
  const controller = new AbortController();
  const { outcome } = await build(service, template('echo begun; sleep 600'), controller.signal, (line) => {
    if (line.includes('"begun"')) controller.abort(new Error('Ctrl-C'));
  });
  assert.equal(outcome.status, 'CANCELLED');
  assert.equal(outcome.file, undefined);
  assert.equal(service.buildHost.instances.size, 0);
});

test('stopping the service cancels what is being built', async () => {
  await using service = await openTestService();
  let stopped: Promise<void> | undefined;
  const { outcome } = await build(service, template('echo begun; sleep 600'), never, (line) => {
    if (line.includes('"begun"')) stopped ??= service.service.stop();
  }).catch(async () => {
    await stopped;
    return { outcome: undefined };
  });
  await stopped;
  assert.ok(outcome === undefined || outcome.status === 'CANCELLED');
  assert.equal(service.buildHost.instances.size, 0);
});

test('a home has one service: others find it, and only with its credentials', async () => {
  await using service = await openTestService();
  const { config } = service;
  await using connection = await connect(config, never);
  assert.equal(connection.own, false);
  assert.equal(connection.address.url, service.service.url);
  assert.equal((await lockHome(config.home.path)).acquired, false);
  assert.equal((await stat(join(config.home.path, 'service.json'))).mode & 0o777, 0o600);

  const stranger = { ...connection.address, credentials: { accessKeyId: 'AKIA0', secretAccessKey: 'x' } };
  await assert.rejects(async () => {
    for await (const _ of followBuild(stranger, 'arn:x', false, never));
  }, /UnrecognizedClient|security token|credential/i);
});

test('when the service stopped its home can be taken again, and nothing says that it runs', async () => {
  // With the embedded database.
  await using service = await openTestService({ DATABASE_URL: '' });
  await service.service.stop();
  await assert.rejects(stat(join(service.config.home.path, 'service.json')), { code: 'ENOENT' });
  const found = await lockHome(service.config.home.path);
  assert.ok(found.acquired);
  await found.lock.release();
});

test('an image that the service does not know is told by its error', async () => {
  await using service = await openTestService();
  await using connection = await connect(service.config, never);
  const arn = `arn:aws:imagebuilder:us-east-1:${connection.accountId}:image/none/1.0.0/1`;
  await assert.rejects(
    async () => {
      for await (const _ of followBuild(connection.address, arn, true, never));
    },
    { name: 'ResourceNotFoundException' },
  );
});

const CHOICES: readonly (readonly [what: string, resources: string, wanted: string | undefined, problem: RegExp])[] = [
  ['nothing to build', 'Resources: {}', undefined, /nothing to build/],
  ['an unknown --image', template('x'), 'Imagee', /no image or pipeline 'Imagee'. \(did you mean 'Image'/],
  [
    'two images',
    template('x').replace(
      'Outputs:',
      '  Image2:\n    Type: AWS::ImageBuilder::Image\n    Properties: { ImageRecipeArn: !Ref Recipe, InfrastructureConfigurationArn: !Ref Infrastructure }\nOutputs:',
    ),
    undefined,
    /several images: Image, Image2. \(choose one with --image Image\)/,
  ],
];
for (const [what, text, wanted, problem] of CHOICES) {
  test(`${what} is refused`, async () => {
    const planned = await plan(text.replace('WORK', '/tmp'));
    assert.throws(
      () => chooseBuild(planned, wanted),
      (error) => error instanceof InvalidDocumentError && problem.test(error.message),
    );
  });
}
