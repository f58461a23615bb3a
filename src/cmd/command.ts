import type { Config } from './config.ts';
import type { ExitCode } from './exit-codes.ts';

/** A subcommand: what it takes, for the parser and for its help alike, and what it does. */
export interface Command {
  /** Behind `kiln NAME`, e.g. `TEMPLATE [options]`. */
  readonly usage: string;
  readonly summary: string;
  /** Further paragraphs of the help. */
  readonly description?: string;
  readonly positionals: { readonly min: number; readonly max: number };
  readonly options: Readonly<Record<string, CommandOption>>;
  run(args: CommandArguments, context: CommandContext): Promise<ExitCode>;
}

export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What the help calls the value, e.g. `FILE`. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandArguments {
  readonly positionals: readonly string[];
  /** The value of a `string` option; the last one when it was given twice. */
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
}

export interface CommandContext {
  readonly config: Config;
  readonly io: Io;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** The standard streams. */
export interface Io {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Whether to write colours. */
  readonly colour: boolean;
}

/** The command line itself is wrong: exit code 2 and a pointer to the help. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
