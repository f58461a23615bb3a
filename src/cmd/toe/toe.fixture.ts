import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { run } from '../../util/spawn.ts';
import { environmentOf } from '../environment.fixture.ts';

/* What the tests of `kiln toe` share: the program as a process of its own, in a folder of the test file. */

export const KILN = join(import.meta.dirname, '..', 'kiln.ts');

// Made at once: hooks of the test file may write to it.
const folder = mkdtempSync(join(tmpdir(), 'kiln-cmd-toe-'));
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A path in the folder in which the program runs. */
export function at(...names: readonly string[]): string {
  return join(folder, ...names);
}

export const BASE_ENVIRONMENT = environmentOf(at('home'));

export interface Ended {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** `kiln toe`, with nothing in its environment but a home and what is given. */
export function toeWith(environment: Readonly<Record<string, string>>): (...args: string[]) => Promise<Ended> {
  return async (...args) => {
    const env = { ...BASE_ENVIRONMENT, ...environment };
    const { code, stdout, stderr } = await run(process.execPath, [KILN, 'toe', ...args], { cwd: folder, env });
    return { code, stdout: stdout.toString(), stderr: stderr.toString() };
  };
}

export const toe = toeWith({});

export interface StepObject {
  readonly name: string;
  readonly action: string;
  readonly [key: string]: unknown;
}

export function bash(name: string, commands: string | readonly string[], more: object = {}): StepObject {
  return { name, action: 'ExecuteBash', ...more, inputs: { commands: [commands].flat() } };
}

/** Writes a document with a phase `build`; gives the name of its file. */
export async function document(file: string, ...steps: readonly object[]): Promise<string> {
  await writeFile(at(file), JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'build', steps }] }));
  return file;
}
