import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateImageCommand, type ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import type { ImageStore } from '../image-store/image-store.ts';
import { lockHome } from '../state/home-lock.ts';
import { plan } from '../template/test-template.ts';
import { BuilderFault } from '../util/faults.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { build } from './build.fixture.ts';
import { chooseBuild } from './choose-build.ts';
import { connect } from './connect.ts';
import { openTestService } from './service.fixture.ts';
import { followBuild } from './service-client.ts';
import { template } from './template.fixture.ts';

const never = new AbortController().signal;

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
  assert.deepEqual([...kinds].toSorted(), ['applied', 'end', 'image', 'log', 'started', 'step']);
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

test('a build is cancelled that began while its caller was interrupted', async () => {
  await using service = await openTestService();
  const controller = new AbortController();
  const through = (client: ImagebuilderClient): ImagebuilderClient => {
    const send = (command: CreateImageCommand, options: object): Promise<unknown> => {
      const answer = client.send(command, options);
      if (command instanceof CreateImageCommand) controller.abort(new Error('Ctrl-C'));
      return answer;
    };
    return { send } as unknown as ImagebuilderClient;
  };
  const { outcome } = await build(service, template('sleep 600'), controller.signal, undefined, { through });
  assert.equal(outcome.status, 'CANCELLED');
  assert.equal(service.buildHost.instances.size, 0);
});

test('an image whose file cannot be written is told with its AMI, and what is wrong with the file', async () => {
  await using service = await openTestService();
  const exportImage: ImageStore['export'] = async () => {
    throw new BuilderFault('The disk is full');
  };
  const { outcome } = await build(service, template('echo some work'), never, undefined, { exportImage });
  assert.equal(outcome.status, 'AVAILABLE', outcome.reason);
  assert.match(outcome.amiId ?? '', /^ami-/);
  assert.equal(outcome.file, undefined);
  assert.match(outcome.fault?.message ?? '', /The disk is full/);
});

test('a build of which nothing is heard any more is told as far as it came', async (t) => {
  await using service = await openTestService();
  const real = globalThis.fetch;
  const line = { kind: 'image', at: '2026-11-23T03:00:00.000Z', status: 'BUILDING' };
  t.mock.method(globalThis, 'fetch', (...args: Parameters<typeof fetch>) => {
    if (!String(args[0]).includes('/kiln/v1/follow')) return real(...args);
    const body = ReadableStream.from(
      (async function* () {
        yield new TextEncoder().encode(`${JSON.stringify(line)}\n`);
        throw new Error('the connection was reset');
      })(),
    );
    return Promise.resolve(new Response(body));
  });
  const { outcome } = await build(service, template('echo some work'));
  assert.equal(outcome.status, 'BUILDING');
  assert.match(outcome.imageBuildVersionArn, /:image\/web\/1\.0\.0\/1$/);
  assert.match(outcome.fault?.message ?? '', /went away while it was listened to/);
});

test('stopping the service cancels what is being built', async () => {
  await using service = await openTestService();
  let stopped: Promise<void> | undefined;
  const { outcome } = await build(service, template('echo begun; sleep 600'), never, (line) => {
    if (line.includes('"begun"')) stopped ??= service.service.stop();
  });
  await stopped;
  assert.ok(outcome.fault !== undefined || outcome.status === 'CANCELLED');
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
