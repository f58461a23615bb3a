/**
 * `npm run bench:toe`: what the interpreter of component documents costs. Figures and how to read them: bench/README.md.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseComponent } from '../src/documents/parse-component.ts';
import { runDocuments } from '../src/toe/run-documents.ts';
import type { Target } from '../src/toe/target.ts';
import { localTarget } from '../src/toe/targets/local.ts';

const STEPS = 1_000;
const MANY_STEPS = 5_000;
const VALIDATIONS = 6;
const STARTS = 11;

const environment = { PATH: process.env['PATH'] ?? '' };
const KILN = join(import.meta.dirname, '..', 'kiln');

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-bench-'));
  try {
    report('Assert, no program is run: ms of the interpreter per step', await overheadOf(assertStep, folder));
    report('ExecuteBash true: ms of the interpreter per step', await overheadOf(bashStep, folder));
    report('CreateFile: ms of the interpreter per step', await overheadOf(fileStep, folder));
    for (const loopEvery of [10, 1]) await reportValidation(loopEvery, folder);
    const starts: number[] = [];
    for (let index = 0; index < STARTS; index++) starts.push(await startToFirstStep(folder));
    report('kiln toe run: ms from the start of the process to its first step', starts.slice(1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type MakeStep = (index: number) => object;

const assertStep: MakeStep = (index) => ({
  name: `S${index}`,
  action: 'Assert',
  inputs: { stringEquals: '{{ Word }}', value: 'word' },
});
const bashStep: MakeStep = (index) => ({ name: `S${index}`, action: 'ExecuteBash', inputs: { commands: ['true'] } });
const fileStep: MakeStep = (index) => ({
  name: `S${index}`,
  action: 'CreateFile',
  inputs: [{ path: 'file', content: `{{ Word }} ${index}` }],
});

function textOf(makeStep: MakeStep, count: number): string {
  const steps = Array.from({ length: count }, (_, index) => makeStep(index));
  const parameters = [{ Word: { type: 'string', default: 'word' } }];
  return JSON.stringify({ schemaVersion: '1.0', parameters, phases: [{ name: 'build', steps }] });
}

/** Of each step the time that is not spent in commands on the target. */
async function overheadOf(makeStep: MakeStep, folder: string): Promise<readonly number[]> {
  const local = localTarget({ environment, cwd: folder });
  let inTarget = 0;
  const target: Target = {
    ...local,
    run: async (command) => {
      const begin = performance.now();
      try {
        return await local.run(command);
      } finally {
        inTarget += performance.now() - begin;
      }
    },
  };
  const times: number[] = [];
  let begin = 0;
  const text = textOf(makeStep, makeStep === assertStep ? STEPS : STEPS / 5);
  const result = await runDocuments({
    executionId: 'bench',
    documents: [
      { id: 'bench', document: parseComponent(text, 'bench', { maxBytes: 4 * 1024 * 1024 }), parameters: {} },
    ],
    phases: undefined,
    target,
    environment: {},
    workingDirectory: folder,
    accountId: '',
    region: '',
    signal: new AbortController().signal,
    monitor: {
      line: () => {},
      stepStarted: () => {
        inTarget = 0;
        begin = performance.now();
      },
      stepEnded: () => times.push(performance.now() - begin - inTarget),
    },
  });
  if (result.status !== 'success') throw new Error(JSON.stringify(result.firstFailure));
  return times;
}

/** `./kiln toe validate` as people run it: time of the whole command, and the most memory that it had. */
async function reportValidation(loopEvery: number, folder: string): Promise<void> {
  const text = manySteps(loopEvery);
  const file = join(folder, `every-${loopEvery}.yaml`);
  writeFileSync(file, text);
  const times: number[] = [];
  let peak = 0;
  for (let count = 0; count < VALIDATIONS; count++) {
    const begin = performance.now();
    peak = Math.max(peak, await peakOf(['toe', 'validate', '-d', file], folder));
    times.push(performance.now() - begin);
  }
  const size = Math.round(text.length / 1024);
  report(`kiln toe validate, ${MANY_STEPS} steps, every ${loopEvery}. with a loop (${size} KiB): ms`, times.slice(1));
  process.stdout.write(`    at most ${(peak / 1024).toFixed(0)} MiB\n`);
}

/** KiB that a command of Kiln's had at most. */
async function peakOf(args: readonly string[], folder: string): Promise<number> {
  const probe = new URL('../src/cmd/toe/peak-memory.fixture.ts', import.meta.url).href;
  const compiled = join(folder, 'compiled');
  const env = { ...environment, NODE_OPTIONS: `--import ${probe}`, NODE_COMPILE_CACHE: compiled };
  const child = spawn(KILN, args, {
    env: { ...env, KILN_HOME: join(folder, 'home') },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`kiln ${args.join(' ')} ended with ${code}`);
  return Number(said);
}

function manySteps(loopEvery: number): string {
  const stepAt = (index: number): string =>
    [
      `      - name: S${index}`,
      '        action: ExecuteBash',
      ...(index % loopEvery === 0
        ? ['        loop:', `          name: loop${index}`, '          for: { start: 0, end: 90000, updateBy: 1 }']
        : []),
      '        inputs:',
      '          commands:',
      index % loopEvery === 0
        ? `            - echo {{ loop${index}.value }} {{ Word }}`
        : `            - echo {{ build.S${index - 1}.outputs.stdout }}`,
      '',
    ].join('\n');
  const head =
    'schemaVersion: 1.0\nparameters:\n  - Word: { type: string, default: x }\nphases:\n  - name: build\n    steps:\n';
  return head + Array.from({ length: MANY_STEPS }, (_, index) => stepAt(index)).join('');
}

async function startToFirstStep(folder: string): Promise<number> {
  const file = join(folder, 'first.yaml');
  writeFileSync(file, textOf(bashStep, 1));
  const begin = performance.now();
  const child = spawn(KILN, ['toe', 'run', '-d', file, '-l', folder], {
    env: { ...environment, KILN_HOME: join(folder, 'home'), NODE_COMPILE_CACHE: join(folder, 'compiled') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let seen = '';
  const first = await new Promise<number>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes('build/S0')) resolve(performance.now() - begin);
    });
    child.once('exit', () => resolve(Number.NaN));
  });
  await new Promise((resolve) => child.once('exit', resolve));
  return first;
}

function report(what: string, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2);
  process.stdout.write(`${what}: median ${at(0.5)}, 95 of 100 below ${at(0.95)}\n`);
}

await main();
