import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { at, BASE_ENVIRONMENT, bash, KILN, toeWith } from './toe.fixture.ts';

const toe = toeWith({ KILN_TEST: 'from the environment' });

/** With a name, a parameter and a second phase. */
async function document(name: string, ...steps: readonly object[]): Promise<string> {
  const parameters = [{ Who: { type: 'string', default: 'world' } }];
  const phases = [
    { name: 'build', steps },
    { name: 'test', steps: [{ name: 'T', action: 'ExecuteBash', inputs: { commands: ['echo testing'] } }] },
  ];
  await writeFile(
    at(name),
    JSON.stringify({ schemaVersion: '1.0', name: 'Doc', description: 'd', parameters, phases }),
  );
  return name;
}

test('a run shows output on standard error and ends with the seven-key summary on standard output', async () => {
  const file = await document('ok.yaml', bash('Hi', ['echo hello {{ Who }}', 'echo {{ env:KILN_TEST }}']));
  const { code, stdout, stderr } = await toe('run', '--documents', file, '--phases', 'build', '--execution-id', 'id-7');
  assert.equal(code, 0);
  const logUrl = JSON.parse(stdout).logUrl;
  assert.match(logUrl, /\/TOE_[^/]*_id-7$/);
  assert.equal(
    stdout,
    `{
    "executionId": "id-7",
    "status": "success",
    "failedStepCount": 0,
    "executedStepCount": 1,
    "ignoredFailedStepCount": 0,
    "failureMessage": "",
    "logUrl": "${logUrl}"
}
`,
  );
  assert.match(stderr, /build\/Hi ExecuteBash\n {4}hello world\n {4}from the environment\n {4}ok after/);
  assert.doesNotMatch(stderr, /testing/);
});

test('a failed run ends with 1, and says which step failed and why', async () => {
  const file = await document('fails.yaml', bash('Bad', ['echo first', 'echo the cause >&2', 'exit 7']));
  const { code, stdout, stderr } = await toe('run', '-d', file);
  assert.equal(code, 1);
  assert.equal(JSON.parse(stdout).failureMessage, 'Document fails.yaml failed!');
  assert.match(stderr, /fails.yaml: step Bad \(ExecuteBash\) of phase build failed: exit status 7\n {6}the cause\n/);
});

test('parameters are given on the command line; unknown ones and unknown phases are pointed out', async () => {
  const file = await document('parameters.yaml', bash('Hi', 'echo "{{ Who }}"'));
  const { code, stderr } = await toe('run', '-d', file, '--parameters', 'Who=a=b,Else=x', '-p', 'build,biuld');
  assert.equal(code, 0);
  assert.match(stderr, /no document declares the parameter 'Else'/);
  assert.match(stderr, /no document has a phase 'biuld'/);
  assert.match(stderr, /\n {4}a=b\n/);
});

test('several documents run one after the other; nothing runs when one of them is invalid', async () => {
  const first = await document('one.yaml', bash('One', 'echo 1 >> order'));
  const second = await document('two.yaml', bash('Two', 'echo 2 >> order'));
  assert.equal((await toe('run', '-d', `${first},${second}`, '-p', 'build')).code, 0);
  assert.equal(await readFile(at('order'), 'utf8'), '1\n2\n');
  const broken = await document('broken.yaml', { name: 'X', action: 'Nothing' });
  assert.equal((await toe('run', '-d', first, '-d', broken)).code, 2);
  assert.equal(await readFile(at('order'), 'utf8'), '1\n2\n');
});

test('an invalid document ends with 2 and every problem has its place, its line and a caret', async () => {
  await writeFile(
    at('bad.yaml'),
    'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: A\n        action: ExecuteBsh\n        timeoutSeconds: 0\n',
  );
  for (const command of ['run', 'validate']) {
    const { code, stdout, stderr } = await toe(command, '--documents', 'bad.yaml');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^bad\.yaml:6:17: .*did you mean 'ExecuteBash'/m);
    assert.match(stderr, /6 \| {9}action: ExecuteBsh\n {4}\| {17}\^/);
    assert.match(stderr, /^bad\.yaml:7:25: timeoutSeconds cannot be 0/m);
  }
});

test('validate needs a document and checks it for the systems asked for', async () => {
  const file = await document('valid.yaml', bash('A', 'true'));
  assert.deepEqual(await toe('validate', '-d', file), { code: 0, stdout: '', stderr: 'valid.yaml: valid for linux\n' });
  assert.equal((await toe('validate', '-d', file, '--os-platforms', 'linux,darwin')).code, 0);
  assert.match(
    (await toe('validate', '-d', file, '--os-platforms', 'windows')).stderr,
    /ExecuteBash does not run on Windows/,
  );
  for (const args of [
    ['validate'],
    ['run'],
    ['rum'],
    ['validate', '-d', 'missing.yaml'],
    ['run', '-d', file, '--parameters', 'x'],
  ]) {
    assert.equal((await toe(...args)).code, 2, args.join(' '));
  }
});

test('the log folder has the files and the name that AWSTOE gives them, private to their owner', async () => {
  const file = await document(
    'logged.yaml',
    bash('Hi', ['echo hello', 'echo oops >&2']),
    bash('Bad', 'echo why >&2; exit 3'),
  );
  const { stdout } = await toe('run', '-d', file, '-l', 'logs', '-i', 'id-8');
  const path: string = JSON.parse(stdout).logUrl;
  assert.match(path, /\/logs\/TOE_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_UTC-0_id-8$/);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.deepEqual((await readdir(path)).toSorted(), [
    'application.log',
    'chaining.json',
    'console.log',
    'detailedoutput.json',
    'document.yaml',
  ]);
  const console = await readFile(join(path, 'console.log'), 'utf8');
  assert.match(console, /CmdExecution: Stdout: hello\n/);
  assert.match(console, /CmdExecution: Stderr: oops\nCmdExecution: ExitCode 0\nExecuteBash: FINISHED EXECUTION\n/);
  assert.match(console, /CmdExecution: ExitCode 3\nExecuteBash: FINISHED EXECUTION\n {2}Document: Doc\n/);
  assert.match(
    console,
    / {2}Phase: build\n {2}Step: Bad\n {2}Action: ExecuteBash\n {2}ErrorMessage: exit status 3\n {2}Stderr: why\n$/,
  );
  const detail = JSON.parse(await readFile(join(path, 'detailedoutput.json'), 'utf8'));
  const step = detail.documents[0].phases[0].steps[0];
  assert.deepEqual(
    [step.timeoutSeconds, step.onFailure, step.maxAttempts, step.inputs, step.outputs],
    [7200, 'Abort', 1, '[{"commands":["echo hello","echo oops >&2"]}]', '[{"stdout":"hello"}]'],
  );
  assert.deepEqual(JSON.parse(await readFile(join(path, 'chaining.json'), 'utf8')), {
    'build.Hi.outputs.stdout': 'hello',
  });
});

test('Ctrl-C ends the running command with what it started, and ends with 130', async () => {
  const file = await document('long.yaml', bash('Long', ['echo $$ > pid', 'echo up', 'sleep 300']));
  const env = BASE_ENVIRONMENT;
  const child = spawn(process.execPath, [KILN, 'toe', 'run', '-d', file], {
    cwd: at(),
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let seen = '';
  child.stderr.on('data', (chunk: Buffer) => {
    const before = seen;
    seen += chunk.toString();
    if (seen.includes('    up\n') && !before.includes('    up\n')) child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 130, seen);
  const pid = (await readFile(at('pid'), 'utf8')).trim();
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tZ');
  assert.match(status, /^State:\s+Z/m);
  assert.ok(!(await readdir(at())).some((name) => name.startsWith('.kiln-')));
});
