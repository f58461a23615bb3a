import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bash, documentOf, local, newPath, run, startedSteps } from './run-documents.fixture.ts';
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
  assert.equal(result.firstFailure?.errorMessage, 'asked for more than 10 reboots');
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
