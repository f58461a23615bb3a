import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awsSettings } from './aws-settings.ts';
import { type LogStream, openLogStream } from './cloudwatch-logs.ts';
import { type SimulatedCloudWatchLogs, simulateCloudWatchLogs } from './simulated-cloudwatch-logs.fixture.ts';

const never = new AbortController().signal;
const PLACE = { group: '/aws/imagebuilder/web', stream: '1.0.0/1' };
const KEY = '/aws/imagebuilder/web|1.0.0/1';

function open({ url }: SimulatedCloudWatchLogs): Promise<LogStream> {
  const keys = { AWS_ACCESS_KEY_ID: 'AKIASIMULATED', AWS_SECRET_ACCESS_KEY: 's' };
  const settings = awsSettings({ ...keys, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url }, 'cloudwatch_logs', 'eu-west-1');
  assert.ok(settings !== undefined);
  return openLogStream(settings, PLACE, never);
}

test('group and stream (simulated) are made when they are missing, lines arrive in order, empty ones too', async () => {
  await using logs = await simulateCloudWatchLogs();
  for (const round of ['first', 'second']) {
    const stream = await open(logs);
    for (const line of [round, '', 'é €']) stream.write(line);
    await stream.end(never);
  }
  assert.deepEqual(logs.streams.get(KEY), ['first', ' ', 'é €', 'second', ' ', 'é €']);
  const made = ['CreateLogStream', 'CreateLogGroup', 'CreateLogStream', 'PutLogEvents'];
  assert.deepEqual(logs.requests, [...made, 'CreateLogStream', 'PutLogEvents']);
});

test('many and long lines go in batches that the service takes', async () => {
  await using logs = await simulateCloudWatchLogs();
  const stream = await open(logs);
  const lines = Array.from({ length: 25_000 }, (_, index) => `line ${index}`);
  const long = Array.from({ length: 500 }, (_, index) => `${index} ${'€'.repeat(1_000)}`);
  for (const line of [...lines, ...long]) stream.write(line);
  await stream.end(never);
  assert.deepEqual(logs.streams.get(KEY), [...lines, ...long]);
});

test('lines that come faster than they can be sent are left out, and it is said how many', async () => {
  await using logs = await simulateCloudWatchLogs();
  const stream = await open(logs);
  const line = 'x'.repeat(8_000);
  for (let count = 0; count < 2_000; count++) stream.write(line);
  await stream.end(never);
  const written = logs.streams.get(KEY) ?? [];
  const left = Number(/^\[… (\d+) lines left out/.exec(written.at(-1) ?? '')?.[1]);
  assert.equal(written.length - 1 + left, 2_000);
  assert.ok(written.length > 1_000);
});

test('who may only write to a stream writes to it; who may not learns it at the end', async () => {
  await using logs = await simulateCloudWatchLogs();
  await (await open(logs)).end(never);
  logs.denied.add('CreateLogStream').add('CreateLogGroup');
  const stream = await open(logs);
  stream.write('allowed');
  await stream.end(never);
  assert.deepEqual(logs.streams.get(KEY), ['allowed']);
  logs.denied.add('PutLogEvents');
  const refused = await open(logs);
  refused.write('denied');
  await assert.rejects(refused.end(never), /log stream 1\.0\.0\/1 of \/aws\/imagebuilder\/web: AccessDeniedException/);
});

test('a service that is not there is told when the stream is opened', async () => {
  const gone = await simulateCloudWatchLogs();
  await gone[Symbol.asyncDispose]();
  await assert.rejects(open(gone), /cannot write to the log stream .*ECONNREFUSED/);
});
