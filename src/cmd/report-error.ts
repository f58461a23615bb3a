import { readFileSync, statSync } from 'node:fs';
import pc from 'picocolors';
import { AwsError } from '../contract/errors.ts';
import { BuilderFault, BuildFailure, coerceError } from '../util/faults.ts';
import { formatProblem, InvalidDocumentError, type Problem } from '../util/problem.ts';
import { UsageError } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { systemMessage } from './system-message.ts';

export interface ErrorReport {
  readonly exitCode: ExitCode;
  /** For people, without a line end. */
  readonly text: string;
}

export interface ReportOptions {
  readonly colour: boolean;
  /** With the stack trace. */
  readonly debug: boolean;
}

/** Says an error as a person wants to read it, and which exit code it means. */
export function reportError(thrown: unknown, options: ReportOptions): ErrorReport {
  const error = coerceError(thrown);
  const { exitCode, lines } = describe(error, pc.createColors(options.colour));
  if (options.debug) lines.push(stackOf(error));
  return { exitCode, text: lines.join('\n') };
}

/** A problem with its line and a caret, as {@link reportError} writes it. */
export function problemText(problem: Problem, colour: boolean): string {
  return problemLines(problem, pc.createColors(colour)).join('\n');
}

type Colours = ReturnType<typeof pc.createColors>;

interface Description {
  readonly exitCode: ExitCode;
  readonly lines: string[];
}

function describe(error: Error, colours: Colours): Description {
  const prefix = colours.red('kiln:');
  if (error instanceof InvalidDocumentError) {
    return { exitCode: EXIT.badInput, lines: error.problems.flatMap((problem) => problemLines(problem, colours)) };
  }
  if (error instanceof UsageError) return { exitCode: EXIT.badInput, lines: [`${prefix} ${error.message}`] };
  if (error instanceof BuilderFault || error instanceof BuildFailure) {
    const missing = error instanceof BuilderFault && error.missingPrerequisite;
    const where = error.where === undefined ? '' : ` (${error.where})`;
    const lines = [`${prefix} ${error.message}${where}`];
    if (error.hint !== undefined) lines.push(`      ${error.hint}`);
    return { exitCode: missing ? EXIT.missingPrerequisite : EXIT.failed, lines };
  }
  const service = serviceFault(error);
  if (service !== undefined) {
    const exitCode = service === 'client' ? EXIT.badInput : EXIT.failed;
    return { exitCode, lines: [`${prefix} ${error.name}: ${error.message}`] };
  }
  return { exitCode: EXIT.failed, lines: [`${prefix} ${systemMessage(error)}`] };
}

/** Whether the service refused a request, and whose fault it says that is. */
function serviceFault(error: Error): 'client' | 'server' | undefined {
  if (error instanceof AwsError) return error.httpStatus < 500 ? 'client' : 'server';
  if ('$fault' in error) return error.$fault === 'client' ? 'client' : 'server';
  if (!/^[A-Z][A-Za-z]+Exception$/.test(error.name)) return undefined;
  return /^Service(?:Unavailable)?Exception$/.test(error.name) ? 'server' : 'client';
}

/** The problem, and the line of the file that it is in with a caret under the place. */
function problemLines(problem: Problem, colours: Colours): readonly string[] {
  const lines = [colours.bold(formatProblem(problem))];
  const source = sourceLine(problem);
  if (source === undefined) return lines;
  const number = String(problem.position.line);
  // A tab is as wide as the terminal says: keeping it in the indentation keeps the caret under its place.
  const indent = source.slice(0, problem.position.column - 1).replace(/[^\t]/g, ' ');
  return [...lines, `  ${number} | ${source}`, `  ${' '.repeat(number.length)} | ${indent}${colours.red('^')}`];
}

function sourceLine({ file, position }: Problem): string | undefined {
  try {
    const line = lineOf(file, position.line)?.trimEnd();
    return line === undefined || line.length > 300 || position.column > line.length + 1 ? undefined : line;
  } catch {
    // The document came from elsewhere; the message says enough without its text.
    return undefined;
  }
}

/** More of a file is not read to show a line of it; what is no regular file may have no end. */
const MAX_BYTES = 4 * 1024 * 1024;

function lineOf(file: string, number: number): string | undefined {
  const about = statSync(file);
  if (!about.isFile() || about.size > MAX_BYTES) return undefined;
  const text = readFileSync(file, 'utf8');
  let from = 0;
  for (let line = 1; line < number; line++) {
    from = text.indexOf('\n', from) + 1;
    if (from === 0) return undefined;
  }
  const end = text.indexOf('\n', from);
  return text.slice(from, end < 0 ? undefined : end);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
