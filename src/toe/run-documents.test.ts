import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { test } from 'node:test';
import {
  bash,
  documentOf,
  isRunning,
  local,
  newPath,
  rebootable,
  run,
  startedSteps,
  stepOf,
  testFolder,
} from './run-documents.fixture.ts';
import { RebootRefusedError, type Target, TargetLostError } from './target.ts';

test('phases run in the order of the document, whatever the order of the selection', async () => {
  const document = documentOf({ build: [bash('B', 'true')], validate: [bash('V', 'true')], test: [bash('T', 'true')] });
  assert.deepEqual(startedSteps(await run([document], { phases: ['test', 'build'] })), ['B', 'T']);
});

test('a document finishes all its phases before the next one starts', async () => {
  const first = documentOf({ build: [bash('B1', 'true')], validate: [bash('V1', 'true')] }, {}, 'one');
  const second = documentOf({ build: [bash('B2', 'true')], validate: [bash('V2', 'true')] }, {}, 'two');
  assert.deepEqual(startedSteps(await run([first, second])), ['B1', 'V1', 'B2', 'V2']);
});

test('selected phases that no document has are no failure', async () => {
  const result = await run([documentOf({ build: [bash('B', 'true')] })], { phases: ['test'] });
  assert.deepEqual([result.status, result.executedStepCount], ['success', 0]);
});

test('Abort stops the whole run, later documents included', async () => {
  const failing = documentOf({ build: [bash('A', 'exit 3'), bash('B', 'true')], test: [bash('T', 'true')] }, {}, 'one');
  const result = await run([failing, documentOf({ build: [bash('C', 'true')] }, {}, 'two')]);
  assert.deepEqual(startedSteps(result), ['A']);
  assert.equal(result.status, 'failed');
  assert.equal(result.failureMessage, 'Document one failed!');
  assert.deepEqual([result.executedStepCount, result.failedStepCount, result.ignoredFailedStepCount], [1, 1, 0]);
  assert.deepEqual(
    { ...result.firstFailure },
    {
      documentId: 'one',
      phase: 'build',
      step: 'A',
      action: 'ExecuteBash',
      errorMessage: 'exit status 3',
      lastLines: [],
    },
  );
});

test('Continue runs the later steps and phases, and the run fails all the same', async () => {
  const document = documentOf({
    build: [bash('A', 'exit 1', { onFailure: 'Continue' }), bash('B', 'true')],
    test: [bash('T', 'true')],
  });
  const result = await run([document]);
  assert.deepEqual(startedSteps(result), ['A', 'B', 'T']);
  assert.deepEqual(
    [result.status, result.documents[0]?.status, stepOf(result, 'A').status],
    ['failed', 'failed', 'failed'],
  );
});

test('Ignore counts the failure and the run succeeds', async () => {
  const result = await run([documentOf({ build: [bash('A', 'exit 1', { onFailure: 'Ignore' }), bash('B', 'true')] })]);
  assert.deepEqual([result.status, result.ignoredFailedStepCount, result.failedStepCount], ['success', 1, 0]);
  assert.equal(stepOf(result, 'A').status, 'ignoredFailure');
  assert.equal(result.documents[0]?.status, 'successWithIgnoredFailure');
  assert.equal(result.firstFailure, undefined);
});

test('maxAttempts counts every attempt, and onFailure acts after the last', async () => {
  const path = newPath();
  const count = `echo x >> ${path}; exit 1`;
  const result = await run([documentOf({ build: [bash('A', count, { maxAttempts: 3, onFailure: 'Ignore' })] })]);
  assert.equal(await readFile(path, 'utf8'), 'x\nx\nx\n');
  assert.deepEqual([result.executedStepCount, result.ignoredFailedStepCount], [1, 1]);
});

test('an attempt that succeeds ends the attempts', async () => {
  const path = newPath();
  const result = await run([
    documentOf({ build: [bash('A', `echo x >> ${path}; [ $(wc -l < ${path}) = 2 ]`, { maxAttempts: 5 })] }),
  ]);
  assert.deepEqual([result.status, await readFile(path, 'utf8')], ['success', 'x\nx\n']);
});

test('the time is that of one attempt, and what runs over it is ended with its children', async () => {
  const path = newPath();
  const script = `echo $$ >> ${path}; sleep 300 & echo $! >> ${path}; wait`;
  const result = await run([documentOf({ build: [bash('A', script, { timeoutSeconds: 1, maxAttempts: 2 })] })]);
  assert.equal(result.firstFailure?.errorMessage, 'timed out after 1 s');
  const pids = (await readFile(path, 'utf8')).trim().split('\n').map(Number);
  assert.equal(pids.length, 4);
  for (const pid of pids) assert.equal(await isRunning(pid), false);
});

test('output arrives line by line, long lines shortened, and a failure has its last lines', async () => {
  const script =
    'printf "one\\ntw"; printf "o\\r\\n"; head -c 100000 /dev/zero | tr "\\0" x; echo; for i in $(seq 30); do echo e$i >&2; done; exit 2';
  const result = await run([documentOf({ build: [bash('A', script)] })]);
  const lines = result.events.filter((event) => event.startsWith('stdout'));
  assert.deepEqual(lines.slice(0, 2), ['stdout: one', 'stdout: two']);
  assert.match(lines[2] ?? '', /^stdout: x{8192}\[… 91808 characters left out …\]$/);
  assert.deepEqual(
    result.firstFailure?.lastLines,
    Array.from({ length: 20 }, (_, index) => `e${index + 11}`),
  );
});

test('endless output is kept in bounded memory and cannot be chained', async () => {
  const result = await run([
    documentOf({
      build: [
        bash('A', 'head -c 50000000 /dev/zero; echo; echo end'),
        bash('B', 'echo "{{ build.A.outputs.stdout }}"'),
      ],
    }),
  ]);
  assert.equal(stepOf(result, 'A').status, 'success');
  const stdout = String(stepOf(result, 'A').outputs[0]?.['stdout']);
  assert.ok(stdout.length < 1.1 * 1024 * 1024 && stdout.endsWith('end') && stdout.includes('bytes left out'));
  assert.match(result.firstFailure?.errorMessage ?? '', /too long to be used by another step/);
});

test('disableLogging keeps output, inputs and outputs out of everything, but not out of chaining', async () => {
  const result = await run([
    documentOf({
      build: [
        bash('A', 'echo secret; echo secret >&2', { disableLogging: true }),
        bash('B', 'test "{{ build.A.outputs.stdout }}" = secret && echo chained'),
        bash('C', 'echo secret >&2; exit 1', { disableLogging: true }),
      ],
    }),
  ]);
  assert.ok(result.events.includes('stdout: chained'));
  assert.ok(!result.events.some((event) => event.includes('secret')));
  assert.deepEqual(
    [stepOf(result, 'A').inputs, stepOf(result, 'A').outputs, result.firstFailure?.lastLines],
    [[], [], []],
  );
});

test('exit status 194 reboots and runs the same step again, within one attempt', async () => {
  const path = newPath();
  let reboots = 0;
  const target = rebootable(() => reboots++);
  const script = `echo x >> ${path}; [ $(wc -l < ${path}) = 3 ] || exit 194; echo done`;
  const result = await run([documentOf({ build: [bash('A', script), bash('B', 'true')] })], { target });
  assert.deepEqual([result.status, reboots, result.executedStepCount], ['success', 2, 2]);
  assert.deepEqual(stepOf(result, 'A').outputs, [{ stdout: 'done' }]);
});

test('a script that asks for reboots for ever comes to an end', async () => {
  let reboots = 0;
  const result = await run([documentOf({ build: [bash('A', 'exit 194')] })], { target: rebootable(() => reboots++) });
  assert.match(result.firstFailure?.errorMessage ?? '', /more than 10 reboots/);
  assert.equal(reboots, 10);
});

test('Reboot reboots after its delay and goes on with the next step', async () => {
  let reboots = 0;
  const waited: number[] = [];
  const result = await run(
    [documentOf({ build: [{ name: 'R', action: 'Reboot', inputs: { delaySeconds: 7 } }, bash('B', 'true')] })],
    { target: rebootable(() => reboots++), delay: async (milliseconds) => void waited.push(milliseconds) },
  );
  assert.deepEqual([startedSteps(result), reboots, waited], [['R', 'B'], 1, [7000]]);
});

test('the working directory is made again after a reboot, which may have lost it', async () => {
  const workingDirectory = newPath();
  const reboot = { name: 'R', action: 'Reboot' };
  const target: Target = { ...local, reboot: async () => rm(workingDirectory, { recursive: true, force: true }) };
  const result = await run([documentOf({ build: [bash('A', 'true'), reboot, bash('B', 'pwd')] })], {
    target,
    workingDirectory,
  });
  assert.deepEqual(stepOf(result, 'B').outputs, [{ stdout: workingDirectory }]);
});

test('where no reboot is possible the step fails and says so', async () => {
  const result = await run([documentOf({ build: [bash('A', 'exit 194')] })]);
  assert.match(result.firstFailure?.errorMessage ?? '', /asks for a reboot, which is not possible here/);
  await assert.rejects(local.reboot(new AbortController().signal), RebootRefusedError);
});

test('an abort rejects with its reason, ends the command and leaves nothing in the working directory', async () => {
  const workingDirectory = newPath();
  const path = newPath();
  const controller = new AbortController();
  const reason = new Error('cancelled');
  const running = run(
    [
      documentOf({
        build: [bash('A', `echo $$ > ${path}; echo up; sleep 300`, { onFailure: 'Ignore', maxAttempts: 9 })],
      }),
    ],
    {
      workingDirectory,
      signal: controller.signal,
      monitor: { line: () => controller.abort(reason), stepStarted: () => {}, stepEnded: () => {} },
    },
  );
  await assert.rejects(running, (thrown) => thrown === reason);
  const pid = Number(await readFile(path, 'utf8'));
  assert.equal(await isRunning(pid), false);
  await assert.rejects(readdir(workingDirectory), { code: 'ENOENT' });
});

test('a lost target ends the run at once', async () => {
  const lost: Target = { ...local, run: () => Promise.reject(new TargetLostError('gone')) };
  await assert.rejects(
    run([documentOf({ build: [bash('A', 'true', { onFailure: 'Ignore' })] })], { target: lost }),
    TargetLostError,
  );
});

test('a working directory that was there stays, with nothing added', async () => {
  const before = await readdir(testFolder());
  await run([documentOf({ build: [bash('A', 'true')] })]);
  assert.deepEqual(await readdir(testFolder()), before);
});

test('scripts are in a folder that only their owner can enter', async () => {
  const workingDirectory = newPath();
  const document = documentOf({ build: [bash('A', 'stat -c %a .kiln-* .kiln-*/*')] });
  const result = await run([document], { workingDirectory });
  assert.deepEqual(stepOf(result, 'A').outputs, [{ stdout: '700\n600' }]);
});
