/** Runs a command within the test's process, on a home of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Command } from './command.ts';
import { type Config, readConfig } from './config.ts';
import type { ExitCode } from './exit-codes.ts';
import { type KilnHome, kilnHome } from './kiln-home.ts';
import { parseArguments } from './parse-arguments.ts';

export interface CommandResult {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestHome extends AsyncDisposable {
  readonly folder: string;
  readonly home: KilnHome;
  run(command: Command, argv: readonly string[]): Promise<CommandResult>;
}

/** What the command writes and how it ends; rejects with what it throws. */
export async function runCommand(command: Command, argv: readonly string[], config: Config): Promise<CommandResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdout, stderr, colour: false } as unknown as Parameters<Command['run']>[1]['io'];
  const signal = new AbortController().signal;
  const code = await command.run(parseArguments('test', command, argv), { config, io, signal });
  const text = (stream: PassThrough): string => String(stream.end().read() ?? '');
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

export async function openTestHome(): Promise<TestHome> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-cmd-'));
  const home = kilnHome(join(folder, 'home'));
  return {
    folder,
    home,
    run: (command, argv) => runCommand(command, argv, readConfig({ KILN_HOME: home.path }, {})),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
