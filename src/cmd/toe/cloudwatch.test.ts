import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { simulateCloudWatchLogs } from '../../toe/services/simulated-cloudwatch-logs.fixture.ts';
import { at, bash, type Ended, toeWith } from './toe.fixture.ts';

before(async () => {
  const steps = [bash('Say', 'echo hello; echo oops >&2'), bash('Bad', 'echo why >&2; exit 3')];
  const phases = [
    { name: 'build', steps },
    { name: 'test', steps: [bash('Fine', 'echo fine')] },
  ];
  await writeFile(at('doc.yaml'), JSON.stringify({ schemaVersion: '1.0', phases }));
});

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIASIMULATED', AWS_SECRET_ACCESS_KEY: 'secret' };

function run(url: string, ...args: string[]): Promise<Ended> {
  return toeWith({ ...KEYS, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url })('run', '-d', 'doc.yaml', ...args);
}

test('console.log goes to CloudWatch Logs (simulated), to the group, stream and Region that the flags name', async () => {
  await using logs = await simulateCloudWatchLogs();
  const flags = ['--cw-log-group', '/my/group', '--cw-log-stream', '1.0.0/1', '--cw-log-region', 'eu-west-2'];
  const { code, stderr } = await run(logs.url, '-p', 'build', '-l', 'logs', ...flags);
  assert.equal(code, 1, stderr);
  const [name = ''] = await readdir(at('logs'));
  const written = await readFile(at('logs', name, 'console.log'), 'utf8');
  assert.deepEqual(logs.streams.get('/my/group|1.0.0/1'), written.trimEnd().split('\n'));
  assert.match(written, /CmdExecution: Stdout: hello\n.*ErrorMessage: exit status 3\n {2}Stderr: why\n$/s);
  await run(logs.url, '-p', 'test', '-l', 'logs', '-i', 'run-1', '--cw-log-group', 'other');
  assert.match(logs.streams.get('other|run-1')?.join('\n') ?? '', /Stdout: fine/);
});

test('without CloudWatch Logs nothing is run, or with --cw-ignore-failures everything', async () => {
  const refused = await run('http://127.0.0.1:1', '-p', 'test', '-l', 'logs2', '--cw-log-group', 'g');
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /CloudWatch Logs: cannot write to the log stream .* of g: .*ECONNREFUSED/);
  assert.doesNotMatch(refused.stderr, /fine/);
  const flags = ['--cw-log-group', 'g', '--cw-ignore-failures'];
  const passed = await run('http://127.0.0.1:1', '-p', 'test', '-l', 'logs2', ...flags);
  assert.equal(passed.code, 0, passed.stderr);
  assert.match(passed.stderr, /ECONNREFUSED.*; the run goes on without it\n.*fine/s);
});

test('lines that CloudWatch Logs (simulated) does not take fail the run in the end, unless that is to be ignored', async () => {
  await using logs = await simulateCloudWatchLogs();
  logs.denied.add('PutLogEvents');
  const failed = await run(logs.url, '-p', 'test', '-l', 'logs3', '--cw-log-group', 'g');
  assert.notEqual(failed.code, 0);
  assert.match(failed.stderr, /fine.*AccessDeniedException/s);
  const passed = await run(logs.url, '-p', 'test', '-l', 'logs3', '--cw-log-group', 'g', '--cw-ignore-failures');
  assert.equal(passed.code, 0, passed.stderr);
  assert.match((await run(logs.url, '--cw-log-stream', 's')).stderr, /--cw-log-stream needs --cw-log-group/);
});
