import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { at, BASE_ENVIRONMENT, bash, KILN, type StepObject } from './toe.fixture.ts';

/*
 * Hostile documents, each in a process of its own with the flags of ./kiln: it ends with a clear error, within its time, and
 * never has more than 256 MiB.
 */

const MAX_MIB = 256;

interface Measured {
  readonly code: number | null;
  readonly stdout: string;
  /** Its last part. */
  readonly stderr: string;
  readonly peakMib: number;
}

async function measure(...args: string[]): Promise<Measured> {
  const probe = new URL('./peak-memory.fixture.ts', import.meta.url).href;
  const flags = ['--max-semi-space-size=4', '--import', probe];
  const env = BASE_ENVIRONMENT;
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
  const child = spawn(process.execPath, [...flags, KILN, 'toe', ...args], { cwd: at(), env, stdio: [...stdio] });
  const seen = { stdout: '', stderr: '', peak: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    seen.stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    seen.stderr = (seen.stderr + chunk.toString()).slice(-64 * 1024);
  });
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    seen.peak += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const peakMib = Number(seen.peak) / 1024;
  assert.ok(seen.peak !== '' && peakMib < MAX_MIB, `it had ${Math.round(peakMib)} MiB: ${seen.stderr.slice(-2000)}`);
  return { code, stdout: seen.stdout, stderr: seen.stderr, peakMib };
}

async function documentOf(...steps: readonly StepObject[]): Promise<string> {
  await writeFile(at('bad.yaml'), JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps }] }));
  return 'bad.yaml';
}

/** A document that is refused before anything runs. */
function refused(what: string, text: () => string, message: RegExp): void {
  test(`${what} is refused`, async () => {
    await writeFile(at('bad.yaml'), text());
    for (const command of ['validate', 'run']) {
      const { code, stderr } = await measure(command, '-d', 'bad.yaml');
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
  });
}

refused(
  'a YAML bomb',
  () => {
    const level = (index: number): string =>
      `a${index}: &a${index} [${
        index === 0
          ? 'x'
          : Array(9)
              .fill(`*a${index - 1}`)
              .join(', ')
      }]`;
    return `${Array.from({ length: 30 }, (_, index) => level(index)).join('\n')}\nschemaVersion: 1.0\nphases: *a29\n`;
  },
  /The aliases below here make the document too large/,
);
refused('deep nesting', () => '['.repeat(4_000_000), /nested deeper than 64 levels/);
refused('a document of 100 MiB', () => 'x'.repeat(100 * 1024 * 1024), /at most 4194304 are allowed/);
refused(
  'a document of keys only',
  () => `{${Array.from({ length: 300_000 }, (_, index) => `k${index}: 1`).join(', ')}}`,
  /too many lists, maps and values up to here\. \(split it: ExecuteDocument/,
);
refused(
  'a loop without an end',
  () =>
    JSON.stringify({
      schemaVersion: '1.0',
      phases: [{ name: 'build', steps: [bash('S', ':', { loop: { for: { start: 1, end: 2, updateBy: -1 } } })] }],
    }),
  /A loop from 1 to 2 by -1 never ends/,
);

test('5,000 steps that all loop are valid, in less than 200 MiB', async () => {
  const step = (index: number): string => `
      - name: S${index}
        action: ExecuteBash
        loop: { name: loop${index}, for: { start: 0, end: 90000, updateBy: 1 } }
        inputs:
          commands:
            - echo {{ loop${index}.value }} {{ loop.index }}`;
  const steps = Array.from({ length: 5_000 }, (_, index) => step(index)).join('');
  await writeFile(at('many.yaml'), `schemaVersion: 1.0\nphases:\n  - name: build\n    steps:${steps}\n`);
  const { code, stderr, peakMib } = await measure('validate', '-d', 'many.yaml');
  assert.equal(code, 0, stderr);
  assert.ok(peakMib < 200, `it had ${Math.round(peakMib)} MiB`);
});

test('a file without an end is no document', async () => {
  const { code, stderr } = await measure('validate', '-d', '/dev/zero');
  assert.equal(code, 2);
  assert.match(stderr, /at most 4194304 are allowed/);
});

/** A document that runs, and whose last step fails with a clear error. */
function fails(what: string, steps: readonly StepObject[], message: RegExp, ...args: string[]): void {
  test(`${what} ends with a clear error`, async () => {
    const { code, stdout, stderr } = await measure('run', '-d', await documentOf(...steps), '-l', 'logs', ...args);
    assert.equal(code, 1, stderr);
    assert.equal(JSON.parse(stdout).status, 'failed');
    assert.match(stderr, message);
  });
}

const MANY = "head -c 900000 /dev/zero | tr '\\0' ,";
const BIG = "head -c 1000000 /dev/zero | tr '\\0' x";

fails(
  'a gigantic loop',
  [bash('Make', MANY), bash('Each', ':', { loop: { forEach: { list: '{{ build.Make.outputs.stdout }}' } } })],
  /the loop has 900001 iterations; at most 100000 are allowed/,
);
fails(
  'an expression that expands to a huge text',
  [bash('Big', BIG), bash('Many', '{{ build.Big.outputs.stdout }}'.repeat(50))],
  /longer than 1048576 characters/,
);
fails(
  'a loop over a step that prints a MiB each time',
  [
    bash('Loop', BIG, { loop: { for: { start: 1, end: 60, updateBy: 1 } } }),
    bash('Use', '{{ build.Loop.outputs.stdout }}'),
  ],
  /the output is too long to be used by another step/,
);
fails(
  'a chain of steps that each take a MiB',
  [
    bash('Big', BIG),
    ...Array.from({ length: 40 }, (_, index) =>
      bash(`S${index}`, ': {{ build.Big.outputs.stdout }}', { onFailure: 'Continue' }),
    ),
    bash('End', 'exit 5'),
  ],
  /step .* failed/,
);
fails(
  'gigabytes of output, with and without lines',
  [bash('Flood', 'head -c 2G /dev/zero; head -c 8M /dev/zero | tr "\\0" "\\n"; echo the end; exit 3')],
  /exit status 3\n[\s\S]*the end/,
);
fails(
  'a file without an end',
  [{ name: 'R', action: 'ReadFile', inputs: [{ path: '/dev/zero' }] }],
  /larger than 1048576 bytes/,
);
fails(
  'a pattern made to backtrack',
  [{ name: 'P', action: 'Assert', inputs: { patternMatches: '^(a+)+$', value: `${'a'.repeat(50_000)}!` } }],
  /the condition is false/,
);
fails(
  'a command that ignores SIGTERM',
  [bash('Stubborn', 'trap "" TERM; while :; do sleep 300; done', { timeoutSeconds: 1 })],
  /timed out after 1 s/,
);
fails(
  'a document that runs itself',
  [{ name: 'Me', action: 'ExecuteDocument', inputs: { document: 'bad.yaml', phases: 'build' } }],
  /runs itself, which has no end|nested deeper than 3 levels/,
);

test('binary output is no error, and what it was can be read', async () => {
  const steps = [bash('Binary', 'head -c 3000000 /dev/urandom; printf "\\377\\376\\0"'), bash('Fine', 'echo fine')];
  const { code, stdout } = await measure('run', '-d', await documentOf(...steps), '-l', 'logs');
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).executedStepCount, 2);
});

test('a script that asks for reboots for ever is ended after ten of them', async () => {
  const file = await documentOf(bash('Endless', 'exit 194'));
  for (let reboots = 0; reboots < 10; reboots++)
    assert.equal((await measure('run', '-d', file, '-s', 'state')).code, 194);
  const { code, stderr } = await measure('run', '-d', file, '-s', 'state');
  assert.equal(code, 1);
  assert.match(stderr, /asked for more than 10 reboots; a script must stop to ask once its work is done/);
});
