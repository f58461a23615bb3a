/** Pipelines, events, topics and logs, by the commands of a home whose service builds on simulated machines. */
import assert from 'node:assert/strict';
import { createVerify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import {
  CreateComponentCommand,
  CreateImagePipelineCommand,
  CreateImageRecipeCommand,
  CreateInfrastructureConfigurationCommand,
} from '@aws-sdk/client-imagebuilder';
import pg from 'pg';
import { textToSign } from '../notifications/envelope.ts';
import { openMailServer } from '../notifications/mail-server.fixture.ts';
import { componentData } from '../resources/test-service.ts';
import { coerceError } from '../util/faults.ts';
import type { Command } from './command.ts';
import { connect } from './connect.ts';
import { deadLetters } from './dead-letters.ts';
import { events } from './events.ts';
import { logs } from './logs.ts';
import { parseArguments } from './parse-arguments.ts';
import { pipeline } from './pipeline.ts';
import { pipelines } from './pipelines.ts';
import { rule } from './rule.ts';
import { openTestService, type TestService } from './service.fixture.ts';
import { topic } from './topic.ts';

const never = new AbortController().signal;
const ALL = '{"source":["aws.imagebuilder"]}';

/** What a command prints. */
async function kiln({ config }: TestService, command: Command, ...argv: string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdout, stderr, colour: false } as unknown as Parameters<Command['run']>[1]['io'];
  await command.run(parseArguments('test', command, argv), { config, io, signal: never });
  return String(stdout.end().read() ?? '');
}

interface Followed {
  readonly position: string;
  // biome-ignore lint/suspicious/noExplicitAny: an event of any type.
  readonly event: any;
}

/** `kiln events -f --json`, until it is disposed of. */
function follow({ config }: TestService) {
  const stop = new AbortController();
  const stdout = new PassThrough();
  const io = { stdout, stderr: new PassThrough(), colour: false } as unknown as Parameters<Command['run']>[1]['io'];
  const args = parseArguments('test', events, ['-f', '--json']);
  const running = events.run(args, { config, io, signal: stop.signal }).catch((error: unknown) => {
    if (!stop.signal.aborted) stdout.destroy(coerceError(error));
  });
  const lines: Followed[] = [];
  return {
    /** All lines up to the first that is wanted. */
    until: async (isWanted: (line: Followed) => boolean): Promise<readonly Followed[]> => {
      for await (const text of createInterface({ input: stdout })) {
        lines.push(JSON.parse(text));
        if (lines.some(isWanted)) break;
      }
      return lines;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  };
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A webhook that answers with what the test says, and the requests that it got. */
async function openWebhook() {
  const received: Received[] = [];
  let status = 200;
  const waiting: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('thank you');
    for (const resolve of waiting.splice(0)) resolve();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: (code: number) => {
      status = code;
    },
    /** Resolves when so many requests have come. */
    count: async (wanted: number) => {
      while (received.length < wanted) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A pipeline `nightly` whose images are told to the topic `images`. */
async function definePipeline(service: TestService, command = 'hello'): Promise<void> {
  await using connection = await connect(service.config, never);
  const { client } = connection;
  const clientToken = (): string => crypto.randomUUID();
  const arn = `arn:aws:imagebuilder:${connection.address.region}:${connection.accountId}`;
  const data = componentData(command);
  await client.send(
    new CreateComponentCommand({
      name: 'tool',
      semanticVersion: '1.0.0',
      platform: 'Linux',
      data,
      clientToken: clientToken(),
    }),
  );
  await client.send(
    new CreateImageRecipeCommand({
      ...{ name: 'web', semanticVersion: '1.0.0', clientToken: clientToken() },
      parentImage: `arn:aws:imagebuilder:${connection.address.region}:aws:image/debian-server-12-x86/x.x.x`,
      components: [{ componentArn: `${arn}:component/tool/x.x.x` }],
      workingDirectory: join(service.folder, 'work'),
    }),
  );
  await client.send(
    new CreateInfrastructureConfigurationCommand({
      ...{ name: 'infra', instanceProfileName: 'profile', clientToken: clientToken() },
      snsTopicArn: `arn:aws:sns:${connection.address.region}:${connection.accountId}:images`,
    }),
  );
  await client.send(
    new CreateImagePipelineCommand({
      ...{ name: 'nightly', clientToken: clientToken(), schedule: { scheduleExpression: 'cron(0 3 * * ? 2199)' } },
      imageRecipeArn: `${arn}:image-recipe/web/1.0.0`,
      infrastructureConfigurationArn: `${arn}:infrastructure-configuration/infra`,
    }),
  );
}

test('a pipeline is run and watched, its events and its message arrive, its logs are read', async () => {
  await using service = await openTestService();
  await using webhook = await openWebhook();
  const topicArn = (await kiln(service, topic, 'add', 'images')).trim();
  await kiln(service, topic, 'subscribe', 'images', '--https', webhook.url);
  await definePipeline(service);
  const file = join(service.folder, 'events.jsonl');
  await kiln(service, rule, 'add', 'keep', '--pattern', ALL, '--file', file);
  assert.match(await kiln(service, rule, 'list'), /^keep +ENABLED +file .*events\.jsonl +\{"source"/m);
  assert.match(await kiln(service, topic, 'list'), new RegExp(`^${topicArn} +https ${webhook.url}`, 'm'));

  const watched = await kiln(service, pipeline, 'run', 'nightly', '--watch');
  const arn = /AVAILABLE (arn:\S+)\n$/.exec(watched)?.[1] ?? assert.fail(watched);
  assert.match(
    await kiln(service, pipelines),
    /^nightly +ENABLED +cron\(0 3 \* \* \? 2199\) +2199-01-01 03:00 .*AVAILABLE/m,
  );

  await webhook.count(1);
  const [message] = webhook.received;
  const envelope = JSON.parse(message?.body ?? '');
  assert.equal(message?.headers['x-amz-sns-message-type'], 'Notification');
  assert.equal(message?.headers['x-amz-sns-topic-arn'], topicArn);
  assert.deepEqual([envelope.Type, envelope.TopicArn, envelope.SignatureVersion], ['Notification', topicArn, '2']);
  const { SigningCertURL: certificateUrl, Signature: signature, ...content } = envelope;
  const certificate = new X509Certificate(await (await fetch(certificateUrl)).text());
  const verifies = (text: string) =>
    createVerify('RSA-SHA256').update(text).verify(certificate.publicKey, signature, 'base64');
  assert.equal(verifies(textToSign(content)), true);
  assert.equal(verifies(textToSign({ ...content, Message: 'another' })), false);
  const body = JSON.parse(envelope.Message);
  assert.equal(body.arn, arn);
  assert.deepEqual(body.state, { status: 'AVAILABLE' });
  assert.match(envelope.Message, /"semver":1237940039285380274899124225,/);
  assert.equal(body.versionlessArn, arn.replace('/1.0.0/1', ''));
  assert.equal(body.outputResources.amis.length, 1);
  assert.equal(body.infrastructureConfiguration.snsTopicArn, topicArn);
  assert.match(body.dateCreated, /^[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M$/);
  assert.match(body.buildExecutionId, /^[0-9a-f-]{36}$/);

  const printed = await kiln(service, events);
  assert.match(printed, / Image State Change image\/web\/1\.0\.0\/1 [A-Z]+ -> AVAILABLE$/m);
  const told = (await kiln(service, events, '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const statuses = told.map(({ event }) => event.detail.state.status);
  assert.deepEqual([statuses[0], statuses.at(-1)], ['BUILDING', 'AVAILABLE']);
  assert.deepEqual(
    told.slice(1).map(({ event }) => event.detail['previous-state'].status),
    statuses.slice(0, -1),
  );
  const after = await kiln(service, events, '--json', '--after', told.at(-2).position);
  assert.equal(after.trim().split('\n').length, 1);
  let kept = '';
  while (kept.split('\n').length <= told.length) kept = await readFile(file, 'utf8').catch(() => '');
  assert.deepEqual(
    kept
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    told.map(({ event }) => event),
  );

  const groups = (await kiln(service, logs)).trim().split('\n');
  assert.deepEqual(groups, ['/aws/imagebuilder/pipeline/nightly', '/aws/imagebuilder/web']);
  assert.match(
    await kiln(service, logs, '/aws/imagebuilder/pipeline/nightly'),
    /Execution started: arn:.*web\/1\.0\.0\/1/,
  );
  assert.match(
    await kiln(service, logs, '/aws/imagebuilder/web', '1.0.0/1', '--filter', 'hello'),
    /1\.0\.0\/1 hello\n/,
  );
});

test('what a webhook refuses is a dead letter, which can be tried again; an unknown certificate is not trusted', async () => {
  await using service = await openTestService();
  await using webhook = await openWebhook();
  await kiln(service, topic, 'add', 'images');
  await kiln(service, topic, 'subscribe', 'images', '--https', webhook.url);
  webhook.answer(302);
  await kiln(service, topic, 'publish', 'images', 'hello', '--subject', 'Greeting');
  let listed = '';
  while (!listed.includes('302')) listed = await kiln(service, deadLetters);
  const [, id = ''] =
    /^(\d+) .* subscription\/arn:aws:sns:.*The webhook answered 302/m.exec(listed) ?? assert.fail(listed);
  assert.equal(webhook.received.length, 1, 'redirects are not followed');
  webhook.answer(200);
  await kiln(service, deadLetters, '--retry', id);
  await webhook.count(2);
  const [first, second] = webhook.received.map(({ body }) => JSON.parse(body));
  assert.equal(second.Message, 'hello');
  assert.equal(second.Subject, 'Greeting');
  assert.equal(second.MessageId, first.MessageId);
  assert.match(await kiln(service, deadLetters), /^ID +GIVEN UP[^\n]*\n$/);
  await assert.rejects(kiln(service, deadLetters, '--drop', id), { message: /no dead letter/ });
});

test('commands get messages and events on their standard input, and only from the owner of the home', async () => {
  await using service = await openTestService();
  const program = join(service.folder, 'notify');
  const output = join(service.folder, 'notified');
  await writeFile(
    program,
    `#!/bin/sh\n{ echo "$1 $KILN_TOPIC_ARN"; env | grep -c AWS_; cat; echo; } >"${output}.new" && mv "${output}.new" "${output}"\n`,
    {
      mode: 0o755,
    },
  );
  await kiln(service, topic, 'add', 'images');
  await kiln(service, topic, 'subscribe', 'images', '--command', JSON.stringify([program, '$(reboot); "x"']));
  await kiln(service, topic, 'publish', 'images', 'hello');
  let told: string[] = [];
  while (told.length < 3) told = (await readFile(output, 'utf8').catch(() => '')).trim().split('\n');
  assert.match(told[0] ?? '', /^\$\(reboot\); "x" arn:aws:sns:/);
  assert.equal(told[1], '0', 'nothing of the service is in its environment');
  assert.equal(JSON.parse(told[2] ?? '').Message, 'hello');
});

test('an event goes to the webhook and the program of a rule, with an id that tells repetitions', async () => {
  await using service = await openTestService();
  await using webhook = await openWebhook();
  const output = join(service.folder, 'told');
  const script = `{ echo "$1 $KILN_RULE $KILN_EVENT_ID"; cat; } >"${output}.new" && mv "${output}.new" "${output}"\n`;
  const program = join(service.folder, 'tell');
  await writeFile(program, `#!/bin/sh\n${script}`, { mode: 0o755 });
  await kiln(service, topic, 'add', 'images');
  await definePipeline(service);
  const pattern = '{"detail":{"state":{"status":["AVAILABLE"]}}}';
  const targets = ['--webhook', webhook.url, '--command', JSON.stringify([program, 'a b'])];
  await kiln(service, rule, 'add', 'done', '--pattern', pattern, ...targets);
  await using followed = follow(service);
  await kiln(service, pipeline, 'run', 'nightly', '--watch');

  await webhook.count(1);
  const [{ headers, body } = assert.fail()] = webhook.received;
  const event = JSON.parse(body);
  assert.deepEqual([event.source, event.detail.state.status], ['aws.imagebuilder', 'AVAILABLE']);
  assert.match(event.id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(
    [headers['content-type'], headers['x-kiln-rule'], headers['x-kiln-event-id']],
    ['application/json', 'done', event.id],
  );
  let told = '';
  // The program may still run.
  while (told === '') told = await readFile(output, 'utf8').catch(() => '');
  const [first, ...rest] = told.split('\n');
  assert.equal(first, `a b done ${event.id}`);
  assert.deepEqual(JSON.parse(rest.join('\n')), event);
  // Who follows hears of all that came, this one the last.
  const lines = await followed.until(({ event: { id } }) => id === event.id);
  assert.deepEqual(lines[0]?.event.detail.state, { status: 'BUILDING' });
  assert.deepEqual(lines.at(-1)?.event, event);
});

test('an address that is subscribed gets a mail', async () => {
  await using mail = await openMailServer();
  const home = await mkdtemp(join(tmpdir(), 'kiln-mail-test-'));
  try {
    const smtp = `{ host: 127.0.0.1, port: ${mail.port}, security: none, from: kiln@example.org }`;
    await writeFile(join(home, 'config.yaml'), `smtp: ${smtp}\n`);
    await using service = await openTestService({ KILN_HOME: home });
    await kiln(service, topic, 'add', 'images');
    await kiln(service, topic, 'subscribe', 'images', '--email', 'builds@example.org');
    await kiln(service, topic, 'publish', 'images', 'It is there.', '--subject', 'Image web');
    await mail.count(1);
    assert.deepEqual(mail.recipients, ['RCPT TO:<builds@example.org>']);
    assert.match(mail.mails[0] ?? '', /^Subject: Image web$/m);
    assert.match(mail.mails[0] ?? '', /^It is there\.$/m);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

test('rules and endpoints that cannot be are refused by what is wrong with them', async () => {
  await using service = await openTestService();
  const refused: readonly (readonly [Command, readonly string[], RegExp])[] = [
    [rule, ['add', 'x', '--pattern', '{"source":"aws"}', '--file', '/tmp/x'], /The event pattern is wrong at 'source'/],
    [rule, ['add', 'x', '--pattern', '{', '--file', '/tmp/x'], /--pattern is not JSON/],
    [rule, ['add', 'x', '--pattern', '{"source":["\\u0000"]}', '--file', '/tmp/x'], /cannot be stored/],
    [rule, ['add', 'x', '--pattern', ALL], /a rule needs a target/],
    [rule, ['add', 'x/y', '--pattern', ALL, '--file', '/tmp/x'], /'name'/],
    [rule, ['add', 'x', '--pattern', ALL, '--webhook', 'http://example.org/'], /must begin with https/],
    [rule, ['add', 'x', '--pattern', ALL, '--webhook', 'file:///etc/passwd'], /must begin with https/],
    [rule, ['add', 'x', '--pattern', ALL, '--webhook', 'https://user:secret@example.org/'], /user name and password/],
    [rule, ['add', 'x', '--pattern', ALL, '--command', '["notify"]'], /absolute path of a program/],
    [rule, ['add', 'x', '--pattern', ALL, '--command', '"rm -rf /"'], /a program and its arguments/],
    [rule, ['add', 'x', '--pattern', ALL, '--topic', 'images'], /ARN of an SNS topic/],
    [rule, ['add', 'x', '--pattern', ALL, '--pipeline', 'nightly'], /there is no pipeline 'nightly'/],
    [rule, ['rm', 'x'], /There is no rule 'x'/],
    [rule, ['remove', 'x'], /kiln rule has no 'remove'/],
    [topic, ['subscribe', 'images', '--email', 'a@b.c\r\nBcc: d@e.f'], /must be one address/],
    [topic, ['subscribe', 'images', '--https', 'https://a/', '--email', 'a@b.c'], /one of --https/],
    [topic, ['subscribe', 'images', '--https', 'https://example.org/'], /There is no topic '.*images'/],
    [topic, ['add', 'a:b'], /'name'/],
    [topic, ['publish', 'images', 'x'], /There is no topic/],
    [pipeline, ['stop', 'nightly'], /kiln pipeline has no 'stop'/],
  ];
  for (const [command, argv, message] of refused) {
    await assert.rejects(kiln(service, command, ...argv), { message }, argv.join(' '));
  }
});

test('an event starts a pipeline once, and a topic gets events', async () => {
  await using service = await openTestService();
  await using webhook = await openWebhook();
  const topicArn = (await kiln(service, topic, 'add', 'images')).trim();
  await definePipeline(service);
  await kiln(service, topic, 'subscribe', 'images', '--https', webhook.url);
  const first = '{"resources":[{"suffix":"/1"}],"detail":{"state":{"status":["AVAILABLE"]}}}';
  await kiln(service, rule, 'add', 'again', '--pattern', first, '--pipeline', 'nightly', '--topic', topicArn);
  await kiln(service, pipeline, 'run', 'nightly', '--watch');
  // The event and the message of the first image, the message of the second.
  await webhook.count(3);
  const bodies = webhook.received.map(({ body }) => JSON.parse(JSON.parse(body).Message));
  const event = bodies.find((body) => body['detail-type'] !== undefined);
  assert.equal(event['detail-type'], 'EC2 Image Builder Image State Change');
  const second = bodies.find(({ buildVersion }) => buildVersion === 2);
  assert.equal(second.buildType, 'SCHEDULED');
  assert.match(
    await kiln(service, logs, '/aws/imagebuilder/pipeline/nightly'),
    /because an event matched the rule again/,
  );
});

test('a service runs pipelines by their schedules', async () => {
  await using service = await openTestService();
  await using webhook = await openWebhook();
  await kiln(service, topic, 'add', 'images');
  await kiln(service, topic, 'subscribe', 'images', '--https', webhook.url);
  await definePipeline(service);
  const database = new pg.Client({ connectionString: service.config.databaseUrl });
  await database.connect();
  // Its time comes in 2199; the test cannot wait for it.
  await database.query(`update pipeline_schedules set next_slot = now() - interval '1 second'`);
  await database.end();
  await webhook.count(1);
  const image = JSON.parse(JSON.parse(webhook.received[0]?.body ?? '').Message);
  assert.deepEqual([image.buildType, image.state.status], ['SCHEDULED', 'AVAILABLE']);
  assert.match(await kiln(service, pipelines), /^nightly +ENABLED +cron\(0 3 \* \* \? 2199\) +2199-01-01 03:00 /m);
  assert.match(
    await kiln(service, logs, '/aws/imagebuilder/pipeline/nightly'),
    /because the schedule matched .* and it has no image yet/,
  );
});
