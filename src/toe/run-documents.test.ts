import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseComponent } from '../documents/parse-component.ts';
import { runDocuments } from './run-documents.ts';
import type { DocumentRun, DocumentRunResult, RunnableDocument, StepResult } from './run-documents.types.ts';
import { RebootRefusedError, type Target, TargetLostError } from './target.ts';
import { localTarget } from './targets/local.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-toe-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const local = localTarget({ environment: { PATH: process.env['PATH'] ?? '' }, cwd: tmpdir() });

type StepSpec = Readonly<Record<string, unknown>>;

interface Observed extends DocumentRunResult {
  /** Every output line with its source, beginnings (`> step`) and ends (`< step status`). */
  readonly events: readonly string[];
}

let files = 0;
/** A path in the test's folder that no other test uses. */
function newPath(): string {
  return join(folder, `f${++files}`);
}

function documentOf(
  phases: Readonly<Record<string, readonly StepSpec[]>>,
  head: object = {},
  id = 'D.yaml',
): RunnableDocument {
  const text = JSON.stringify({
    schemaVersion: '1.0',
    ...head,
    phases: Object.entries(phases).map(([name, steps]) => ({ name, steps })),
  });
  return { id, document: parseComponent(text, id, { standardPhase: false }), parameters: {} };
}

async function run(documents: readonly RunnableDocument[], options: Partial<DocumentRun> = {}): Promise<Observed> {
  const events: string[] = [];
  const result = await runDocuments({
    executionId: 'id-1',
    documents,
    phases: undefined,
    target: local,
    environment: {},
    workingDirectory: folder,
    accountId: '111122223333',
    region: 'eu-west-1',
    signal: new AbortController().signal,
    monitor: {
      line: (source, text) => events.push(`${source}: ${text}`),
      stepStarted: ({ step }) => events.push(`> ${step}`),
      stepEnded: ({ step }, status) => events.push(`< ${step} ${status}`),
    },
    delay: async () => {},
    ...options,
  });
  return { ...result, events };
}

function bash(name: string, command: string, more: StepSpec = {}): StepSpec {
  return { name, action: 'ExecuteBash', ...more, inputs: { commands: [command] } };
}

function stepOf(result: DocumentRunResult, name: string): StepResult {
  const steps = result.documents.flatMap(({ phases }) => phases.flatMap((phase) => phase.steps));
  const step = steps.find((candidate) => candidate.name === name);
  assert.ok(step !== undefined);
  return step;
}

function startedSteps(result: Observed): readonly string[] {
  return result.events.filter((event) => event.startsWith('>')).map((event) => event.slice(2));
}

/** Whether a process lives; one that is dead and only not yet reaped does not. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tZ');
  return !/^State:\s+[ZX]/m.test(status);
}

/** A target whose reboot only counts; everything else happens here. */
function rebootable(onReboot: () => void = () => {}): Target {
  return { ...local, name: 'rebootable', reboot: async () => onReboot() };
}

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
  const before = await readdir(folder);
  await run([documentOf({ build: [bash('A', 'true')] })]);
  assert.deepEqual(await readdir(folder), before);
});

test('parameters come from the caller, then from the default; constants cannot be overridden', async () => {
  const head = {
    parameters: [{ One: { type: 'string', default: 'd1' } }, { Two: { type: 'string', default: 'd2' } }],
    constants: [{ Three: { type: 'string', value: 'c' } }],
  };
  const document = documentOf({ build: [bash('A', 'echo "{{ One }} {{Two}} {{ Three }}"')] }, head);
  const result = await run([{ ...document, parameters: { Two: 'given {{ One }}', Three: 'x' } }]);
  assert.deepEqual(stepOf(result, 'A').outputs, [{ stdout: 'd1 given {{ One }} c' }]);
});

test('a parameter without a value fails the step that needs it', async () => {
  const document = documentOf({ build: [bash('A', 'echo {{ One }}')] }, { parameters: [{ One: { type: 'string' } }] });
  assert.equal((await run([document])).firstFailure?.errorMessage, 'the parameter One has no value');
});

test('context and environment have the documented values', async () => {
  const keys = [
    'executionId',
    'accountId',
    'region',
    'osPlatform',
    'date',
    'dateTime',
    'phase',
    'step',
    'hostname',
    'osVersion',
  ];
  const script = `${keys.map((key) => `echo "{{ context:${key} }}"`).join('\n')}\necho "{{ env:IMAGE_PHASE }} $IMAGE_PHASE"`;
  const result = await run([documentOf({ build: [bash('A', script)] })], {
    environment: { IMAGE_PHASE: 'BUILDING' },
    clock: { now: () => new Date('2026-01-31T08:15:30.123Z') },
  });
  const lines = String(stepOf(result, 'A').outputs[0]?.['stdout']).split('\n');
  assert.deepEqual(lines.slice(0, 8), [
    'id-1',
    '111122223333',
    'eu-west-1',
    'linux',
    '2026-01-31',
    '2026-01-31T08:15:30Z',
    'build',
    'A',
  ]);
  assert.notEqual(lines[8], '');
  assert.equal(lines[10], 'BUILDING BUILDING');
  assert.equal(stepOf(result, 'A').startTime, '2026-01-31T08:15:30Z');
});

test('every uuid is a new one, and an environment variable that is not set fails the step', async () => {
  const result = await run([
    documentOf({
      build: [bash('A', 'echo {{ context:uuid }} {{ context:uuid }}'), bash('B', 'echo {{ env:KILN_NOT_SET }}')],
    }),
  ]);
  const [first, second] = String(stepOf(result, 'A').outputs[0]?.['stdout']).split(' ');
  assert.notEqual(first, second);
  assert.match(first ?? '', /^[0-9a-f-]{36}$/);
  assert.match(result.firstFailure?.errorMessage ?? '', /KILN_NOT_SET }}: the environment variable is not set/);
});

test('inputs are chained as they were resolved, outputs without the line end', async () => {
  const path = newPath();
  const result = await run([
    documentOf({
      build: [
        bash('A', 'echo "  two words"'),
        {
          name: 'F',
          action: 'CreateFile',
          inputs: [{ path: `${path}-{{ context:step }}`, content: '[{{ build.A.outputs.stdout }}]' }],
        },
        { name: 'R', action: 'ReadFile', inputs: [{ path: '{{ build.F.inputs[0].path }}' }] },
        bash('E', 'echo "{{ build.R.outputs.content }}{{ build.F.inputs[0].owner }}"'),
      ],
    }),
  ]);
  assert.deepEqual(stepOf(result, 'E').outputs, [{ stdout: '[  two words]' }]);
  assert.equal(await readFile(`${path}-F`, 'utf8'), '[  two words]');
});

test('a reference to a step that failed, was skipped or was not selected fails with a clear message', async () => {
  const document = documentOf({
    build: [
      bash('A', 'exit 1', { onFailure: 'Ignore' }),
      bash('S', 'echo x', { if: { stringIsEmpty: 'x' } }),
      bash('B', 'echo {{ build.A.outputs.stdout }}', { onFailure: 'Continue' }),
      bash('C', 'echo {{ build.S.outputs.stdout }}', { onFailure: 'Continue' }),
    ],
    test: [bash('T', 'echo {{ build.A.outputs.stdout }}')],
  });
  const result = await run([document]);
  for (const name of ['B', 'C', 'T'])
    assert.match(stepOf(result, name).failureMessage, /did not run, was skipped or failed/);
});

test('inputs that are only known at run time are checked like literals', async () => {
  const head = { parameters: [{ Mode: { type: 'string', default: 'yes' } }] };
  const inputs = [{ path: newPath(), overwrite: '{{ Mode }}' }];
  const result = await run([documentOf({ build: [{ name: 'A', action: 'CreateFile', inputs }] }, head)]);
  assert.match(
    result.firstFailure?.errorMessage ?? '',
    /the input 'overwrite' cannot be 'yes' \(true or false is expected\)/,
  );
});

test('if: false without else skips and is a success; Abort fails the step; decided once', async () => {
  const path = newPath();
  const result = await run([
    documentOf({
      build: [
        bash('Skip', 'exit 1', { if: { stringEquals: 'a', value: 'A' } }),
        bash('Once', `echo x > ${path}; exit 1`, {
          if: { not: { fileExists: path } },
          maxAttempts: 2,
          onFailure: 'Ignore',
        }),
        // biome-ignore lint/suspicious/noThenProperty: a key of component documents
        bash('Else', 'exit 1', { if: { stringEquals: 'a', value: 'a', then: 'Skip', else: 'Execute' } }),
        bash('Abort', 'true', { if: { stringEquals: 'a', value: '{{ context:step }}', else: 'Abort' } }),
      ],
    }),
  ]);
  assert.deepEqual(
    ['Skip', 'Once', 'Else', 'Abort'].map((name) => stepOf(result, name).status),
    ['skipped', 'ignoredFailure', 'skipped', 'failed'],
  );
  assert.equal(stepOf(result, 'Once').failureMessage, 'exit status 1');
  assert.equal(result.executedStepCount, 2);
});

test('loops run once per value and join their outputs', async () => {
  const result = await run([
    documentOf({
      build: [
        bash('For', 'echo {{ loop.index }}={{ loop.value }}', { loop: { for: { start: 10, end: 0, updateBy: -5 } } }),
        bash('Each', 'echo "{{ n.value }}{{ loop.value }}{{ other.value }}"', {
          loop: { name: 'n', forEach: ['a', '{{ build.For.inputs.commands }}'] },
        }),
        bash('List', 'echo "[{{ loop.value }}]"', {
          loop: { forEach: { list: '{{ build.For.outputs.stdout }}', delimiter: '\n' } },
        }),
        bash('None', 'echo "{{ loop.value }}"'),
      ],
    }),
  ]);
  assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  assert.deepEqual(stepOf(result, 'For').outputs, [{ stdout: '0=10\n1=5\n2=0' }]);
  assert.deepEqual(stepOf(result, 'Each').outputs, [
    { stdout: 'aa{{ other.value }}\necho 2=0echo 2=0{{ other.value }}' },
  ]);
  assert.deepEqual(stepOf(result, 'List').outputs, [{ stdout: '[0=10]\n[1=5]\n[2=0]' }]);
  assert.deepEqual(stepOf(result, 'None').outputs, [{ stdout: '{{ loop.value }}' }]);
});

test('a failed iteration ends the loop, and a retry begins at the first', async () => {
  const path = newPath();
  const result = await run([
    documentOf({
      build: [
        bash('A', `echo {{ loop.value }} >> ${path}; [ {{ loop.value }} != b ]`, {
          loop: { forEach: ['a', 'b', 'c'] },
          maxAttempts: 2,
        }),
      ],
    }),
  ]);
  assert.equal(await readFile(path, 'utf8'), 'a\nb\na\nb\n');
  assert.equal(result.firstFailure?.errorMessage, 'iteration 1 failed: exit status 1');
});

test('the time of a loop is that of all its iterations', async () => {
  const loop = { for: { start: 1, end: 1000, updateBy: 1 } };
  const result = await run([documentOf({ build: [bash('A', 'sleep 0.3', { loop, timeoutSeconds: 1 })] })]);
  assert.equal(result.firstFailure?.errorMessage, 'the loop timed out after 1 s');
});

test('and and or look at nothing after the operand that decides', async () => {
  const unset = { stringEquals: '{{ env:KILN_NOT_SET }}', value: 'x' };
  const falsehood = { stringIsEmpty: 'x' };
  const result = await run([
    documentOf({
      build: [
        { name: 'A', action: 'Assert', inputs: { not: { and: [falsehood, unset] } } },
        { name: 'B', action: 'Assert', inputs: { or: [{ stringIsEmpty: '' }, unset] } },
        { name: 'C', action: 'Assert', inputs: { and: [{ stringIsEmpty: '' }, unset] } },
      ],
    }),
  ]);
  assert.equal(result.firstFailure?.step, 'C');
});

test('scripts are in a folder that only their owner can enter', async () => {
  const workingDirectory = newPath();
  const document = documentOf({ build: [bash('A', 'stat -c %a .kiln-* .kiln-*/*')] });
  const result = await run([document], { workingDirectory });
  assert.deepEqual(stepOf(result, 'A').outputs, [{ stdout: '700\n700' }]);
});

test('UpdateOS drives the package manager of the machine', { skip: process.getuid?.() !== 0 }, async () => {
  const bin = newPath();
  const log = newPath();
  await mkdir(bin);
  for (const tool of ['apt-get', 'apt-mark', 'dnf']) {
    await writeFile(join(bin, tool), `#!/bin/sh\necho "${tool} $*" >> ${log}\n`, { mode: 0o755 });
  }
  const tools = ['sh', 'id', 'cat', 'rm', 'mkdir', 'grep', 'rmdir'];
  for (const tool of tools) await symlink(`/bin/${tool}`, join(bin, tool));
  const target = localTarget({ environment: { PATH: bin }, cwd: tmpdir() });
  const update = (inputs: object): StepSpec => ({ name: `U${++files}`, action: 'UpdateOS', inputs });
  const steps = [update({}), update({ include: ['a', 'b'], exclude: ['b', 'c*'] })];
  assert.equal((await run([documentOf({ build: steps })], { target })).status, 'success');
  const apt = '-q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';
  assert.deepEqual((await readFile(log, 'utf8')).trim().split('\n'), [
    `apt-get ${apt} update`,
    `apt-get ${apt} upgrade --with-new-pkgs`,
    `apt-get ${apt} update`,
    'apt-mark showhold b',
    'apt-mark hold b',
    'apt-mark showhold c*',
    'apt-mark hold c*',
    `apt-get ${apt} install --only-upgrade a`,
    'apt-mark unhold b c*',
  ]);
  await rm(join(bin, 'apt-get'));
  await rm(log);
  assert.equal(
    (await run([documentOf({ build: [update({ include: ['a'], exclude: ['c'] })] })], { target })).status,
    'success',
  );
  assert.equal(await readFile(log, 'utf8'), 'dnf -y update a --exclude=c\n');
  await rm(join(bin, 'dnf'));
  const none = await run([documentOf({ build: [update({})] })], { target });
  assert.match(none.firstFailure?.errorMessage ?? '', /needs apt-get, dnf or yum/);
  const hostile = await run([documentOf({ build: [update({ include: ['-o x'] })] })], { target });
  assert.match(hostile.firstFailure?.errorMessage ?? '', /'-o x' is not a package name/);
});
