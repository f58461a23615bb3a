import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { parseComponent } from '../documents/parse-component.ts';
import { runDocuments } from './run-documents.ts';
import type { DocumentRun, DocumentRunResult, RunnableDocument, StepResult } from './run-documents.types.ts';
import type { Target } from './target.ts';
import { localTarget } from './targets/local.ts';

/* What the tests of the interpreter share: documents made of steps, run on this machine in a folder of the test file. */

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-toe-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The working directory of the runs. */
export function testFolder(): string {
  return folder;
}

export const local = localTarget({ environment: { PATH: process.env['PATH'] ?? '' }, cwd: tmpdir() });

export type StepSpec = Readonly<Record<string, unknown>>;

export interface Observed extends DocumentRunResult {
  /** Every output line with its source, beginnings (`> step`) and ends (`< step status`). */
  readonly events: readonly string[];
}

let files = 0;
/** A path in the test's folder that no other test uses. */
export function newPath(): string {
  return join(folder, `f${++files}`);
}

export function documentOf(
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

export async function run(
  documents: readonly RunnableDocument[],
  options: Partial<DocumentRun> = {},
): Promise<Observed> {
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

export function bash(name: string, command: string, more: StepSpec = {}): StepSpec {
  return { name, action: 'ExecuteBash', ...more, inputs: { commands: [command] } };
}

export function stepOf(result: DocumentRunResult, name: string): StepResult {
  const steps = result.documents.flatMap(({ phases }) => phases.flatMap((phase) => phase.steps));
  const step = steps.find((candidate) => candidate.name === name);
  assert.ok(step !== undefined);
  return step;
}

export function startedSteps(result: Observed): readonly string[] {
  return result.events.filter((event) => event.startsWith('>')).map((event) => event.slice(2));
}

/** Whether a process lives; one that is dead and only not yet reaped does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tZ');
  return !/^State:\s+[ZX]/m.test(status);
}

/** A target whose reboot only counts; everything else happens here. */
export function rebootable(onReboot: () => void = () => {}): Target {
  return { ...local, name: 'rebootable', reboot: async () => onReboot() };
}
