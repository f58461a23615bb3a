import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bash, documentOf, isRunning, newPath, run } from './run-documents.fixture.ts';

/* What hostile documents do to the whole process, and how they end, is tested in cmd/toe/bad-days.test.ts. */

test('binary output and lines without an end do no harm', async () => {
  const steps = [
    bash('Binary', 'head -c 200000 /dev/urandom; printf "\\377\\376\\0"'),
    bash('Line', 'head -c 50000000 /dev/zero | tr "\\0" x'),
  ];
  const result = await run([documentOf({ build: steps })]);
  assert.equal(result.status, 'success');
  const longest = Math.max(...result.events.map((event) => event.length));
  assert.ok(longest < 16 * 1024, `a line has ${longest} characters`);
});

test('a command that ignores SIGTERM, with children that left it, ends with its time', async () => {
  const step = bash(
    'Stubborn',
    'trap "" TERM; setsid sh -c \'trap "" TERM; echo $$; while :; do sleep 1; done\' & wait; sleep 300',
    {
      timeoutSeconds: 1,
    },
  );
  const result = await run([documentOf({ build: [step] })]);
  assert.equal(result.firstFailure?.errorMessage, 'timed out after 1 s');
  const pid = Number(result.firstFailure?.lastLines[0]);
  assert.ok(pid > 0);
  assert.equal(await isRunning(pid), false);
});

test('a step cannot put its files under the name of another: scripts have a folder of their own', async () => {
  const path = newPath();
  const steps = [bash('../../evil', 'true')];
  assert.throws(() => documentOf({ build: steps }), /Invalid step name/);
  const result = await run([documentOf({ build: [bash('Fine', `echo "$0" > ${path}`)] })]);
  assert.equal(result.status, 'success');
});
