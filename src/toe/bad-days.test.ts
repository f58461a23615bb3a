import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseComponent } from '../documents/parse-component.ts';
import { InvalidDocumentError } from '../util/problem.ts';
import { bash, documentOf, isRunning, newPath, run, stepOf } from './run-documents.fixture.ts';

const MIB = 1024 * 1024;

/** The most that the process grew while `body` ran, in bytes. */
async function growth(body: () => Promise<void> | void): Promise<number> {
  const begin = process.memoryUsage.rss();
  let most = begin;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  try {
    await body();
  } finally {
    clearInterval(watch);
  }
  return Math.max(most, process.memoryUsage.rss()) - begin;
}

function refused(text: string): string {
  try {
    parseComponent(text, 'D.yaml');
  } catch (error) {
    assert.ok(error instanceof InvalidDocumentError, String(error));
    return error.message;
  }
  return 'accepted';
}

test('YAML bombs, deep nesting and documents that are too large are refused without much memory', async () => {
  const levels = Array.from({ length: 30 }, (_, level) => {
    const items = level === 0 ? 'x' : Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ');
    return `a${level}: &a${level} [${items}]`;
  });
  const grown = await growth(() => {
    assert.match(refused(`${levels.join('\n')}\nschemaVersion: 1.0\nphases: *a29\n`), /too large/);
    assert.match(refused('['.repeat(30_000)), /nested deeper/);
    assert.match(refused(`phases: ${'- '.repeat(20_000)}x`), /nested deeper/);
    assert.match(refused('x'.repeat(64 * 1024 + 1)), /at most 65536 are allowed/);
  });
  assert.ok(grown < 256 * MIB, `grew by ${Math.round(grown / MIB)} MiB`);
});

test('a loop without end is refused, a gigantic list ends with an error and not with the memory', async () => {
  const loop = (definition: string): string =>
    refused(`schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: S, action: ExecuteBash, inputs: {commands: [x]}, loop: {for: ${definition}}}
`);
  assert.match(loop('{start: 1, end: 2, updateBy: -1}'), /never ends/);
  assert.match(loop('{start: 1, end: 999999999, updateBy: 1}'), /at most 100000/);
  const list = bash('Make', "head -c 900000 /dev/zero | tr '\\0' ,");
  const each = { ...bash('Each', ':'), loop: { forEach: { list: '{{ build.Make.outputs.stdout }}' } } };
  const result = await run([documentOf({ build: [list, each] })]);
  assert.match(result.firstFailure?.errorMessage ?? '', /at most 100000/);
});

test('expressions that grow without measure fail the step', async () => {
  const big = bash('Big', "head -c 900000 /dev/zero | tr '\\0' x");
  const many = bash('Many', Array.from({ length: 50 }, () => '{{ build.Big.outputs.stdout }}').join(''));
  const result = await run([documentOf({ build: [big, many] })]);
  assert.match(result.firstFailure?.errorMessage ?? '', /longer than 1048576 characters/);
});

test('a pattern cannot backtrack, whatever it is matched with', async () => {
  const value = `${'a'.repeat(50_000)}!`;
  const step = {
    name: 'P',
    action: 'Assert',
    timeoutSeconds: 60,
    inputs: { not: { patternMatches: '^(a+)+$', value } },
  };
  assert.equal((await run([documentOf({ build: [step] })])).status, 'success');
});

test('gigabytes of output go through in bounded memory, with head and tail kept', async () => {
  let step: ReturnType<typeof stepOf> | undefined;
  const grown = await growth(async () => {
    const flood = bash(
      'Flood',
      'echo first; head -c 2G /dev/zero | tr "\\0" "\\n" | head -c 20M; head -c 2G /dev/zero; echo last',
    );
    const result = await run([documentOf({ build: [flood] })], {
      monitor: { line: () => {}, stepStarted: () => {}, stepEnded: () => {} },
    });
    step = stepOf(result, 'Flood');
  });
  assert.equal(step?.status, 'success');
  assert.match(String(step?.outputs[0]?.['stdout']), /^first\n.*bytes left out.*last$/s);
  assert.ok(grown < 256 * MIB, `grew by ${Math.round(grown / MIB)} MiB`);
});

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
