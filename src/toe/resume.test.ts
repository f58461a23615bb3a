import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bash, documentOf, local, newPath, run, type StepSpec, startedSteps, stepOf } from './run-documents.fixture.ts';
import { RebootByCallerError, RunSuspendedError, type SuspendedRun } from './suspended-run.ts';
import type { Target } from './target.ts';

/** A machine that somebody else reboots: each run ends there. */
const target: Target = { ...local, reboot: () => Promise.reject(new RebootByCallerError()) };

/** Runs until a reboot is needed; what is saved goes through JSON, as it does on a disk. */
async function suspend(documents: Parameters<typeof run>[0], resume?: SuspendedRun): Promise<SuspendedRun> {
  const error = await run(documents, { target, ...(resume === undefined ? {} : { resume }) }).then(
    () => assert.fail('the run ended'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RunSuspendedError, String(error));
  return JSON.parse(JSON.stringify(error.state)) as SuspendedRun;
}

test('a script that asks for reboots for ever comes to an end although each run is a new process', async () => {
  const documents = [documentOf({ build: [bash('Endless', 'exit 194')] })];
  let state = await suspend(documents);
  for (let reboots = 1; reboots < 10; reboots++) state = await suspend(documents, state);
  const result = await run(documents, { target, resume: state });
  assert.equal(
    result.firstFailure?.errorMessage,
    'asked for more than 10 reboots; a script must stop to ask once its work is done',
  );
});

test('failures before the reboot count, and steps of earlier documents do not run again', async () => {
  const mark = newPath();
  const documents = [
    documentOf(
      { build: [bash('Bad', 'exit 1', { onFailure: 'Continue' }), bash('Ign', 'exit 1', { onFailure: 'Ignore' })] },
      {},
      'A',
    ),
    documentOf(
      { build: [bash('Again', `[ -e ${mark} ] || { touch ${mark}; exit 194; }`), bash('Last', 'true')] },
      {},
      'B',
    ),
  ];
  const state = await suspend(documents);
  const result = await run(documents, { target, resume: state });
  assert.deepEqual(startedSteps(result), ['Again', 'Last']);
  assert.deepEqual(
    [result.status, result.executedStepCount, result.failedStepCount, result.ignoredFailedStepCount],
    ['failed', 4, 1, 1],
  );
  assert.equal(result.failureMessage, 'Document A failed!');
});

test('an attempt goes on as the attempt that it was', async () => {
  const count = newPath();
  const script = `echo x >> ${count}; case $(wc -l < ${count}) in 1) exit 1;; 2) exit 194;; *) exit 1;; esac`;
  const documents = [documentOf({ build: [bash('Twice', script, { maxAttempts: 2 })] })];
  const state = await suspend(documents);
  assert.equal(state.interrupted.attempt, 2);
  const result = await run(documents, { target, resume: state });
  assert.equal(result.firstFailure?.errorMessage, 'exit status 1');
});

function nested(document: string, more: StepSpec = {}): StepSpec {
  return { name: 'Nested', action: 'ExecuteDocument', inputs: { document }, ...more };
}

async function fileOf(...steps: readonly object[]): Promise<string> {
  const path = newPath();
  await writeFile(path, JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps }] }));
  return path;
}

test('a reboot within ExecuteDocument is followed by the inner step, its steps before are not run again', async () => {
  const [journal, mark] = [newPath(), newPath()];
  const inner = await fileOf(
    bash('First', `echo first | tee -a ${journal}`),
    bash(
      'Again',
      `echo {{ build.First.outputs.stdout }}-again >> ${journal}; [ -e ${mark} ] || { touch ${mark}; exit 194; }`,
    ),
    { name: 'Reboot', action: 'Reboot', inputs: {} },
    bash('Last', `echo last >> ${journal}`),
  );
  const middle = await fileOf(bash('Before', `echo before >> ${journal}`), nested(inner));
  const documents = [
    documentOf({ build: [nested(middle), bash('After', `echo {{ build.Nested.outputs.status }} >> ${journal}`)] }),
  ];
  const first = await suspend(documents);
  const second = await suspend(documents, first);
  const result = await run(documents, { target, resume: second });
  assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  const lines = (await readFile(journal, 'utf8')).trim().split('\n');
  assert.deepEqual(lines, ['before', 'first', 'first-again', 'first-again', 'last', 'success']);
  const detail = stepOf(result, 'Nested').nested[0]?.result;
  const within = detail?.documents[0]?.phases[0]?.steps[1]?.nested[0]?.result;
  assert.deepEqual([detail?.executedStepCount, within?.executedStepCount], [2, 4]);
  assert.equal(detail?.executionId, first.interrupted.nested?.executionId);
});

test('a loop over ExecuteDocument goes on with its iteration; runs of the iterations before are still known', async () => {
  const [journal, mark] = [newPath(), newPath()];
  const script = `echo {{ Item }} >> ${journal}; [ {{ Item }} != b ] || [ -e ${mark} ] || { touch ${mark}; exit 194; }`;
  const inner = newPath();
  const parameters = [{ Item: { type: 'string' } }];
  const steps = [bash('Say', script)];
  await writeFile(inner, JSON.stringify({ schemaVersion: '1.0', parameters, phases: [{ name: 'build', steps }] }));
  const inputs = { document: inner, parameters: [{ name: 'Item', value: '{{ loop.value }}' }] };
  const loop = { forEach: ['a', 'b', 'c'] };
  const documents = [documentOf({ build: [{ name: 'Nested', action: 'ExecuteDocument', inputs, loop }] })];
  const result = await run(documents, { target, resume: await suspend(documents) });
  assert.equal(result.status, 'success', result.firstFailure?.errorMessage);
  assert.equal(await readFile(journal, 'utf8'), 'a\nb\nb\nc\n');
  assert.equal(stepOf(result, 'Nested').nested.length, 3);
});

test('a nested document that asks for reboots for ever comes to an end, and one that changed does not go on', async () => {
  const inner = await fileOf(bash('Endless', 'exit 194'));
  const documents = [documentOf({ build: [nested(inner)] })];
  let state = await suspend(documents);
  for (let reboots = 1; reboots < 10; reboots++) state = await suspend(documents, state);
  const result = await run(documents, { target, resume: state });
  assert.match(result.firstFailure?.errorMessage ?? '', /step Endless: asked for more than 10 reboots/);
  await writeFile(
    inner,
    JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps: [bash('Other', ':')] }] }),
  );
  const changed = await run(documents, { target, resume: state });
  assert.match(changed.firstFailure?.errorMessage ?? '', /is not the one that was interrupted by the reboot/);
});
