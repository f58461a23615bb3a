import type { Problem } from '../../util/problem.ts';
import { type CommandArguments, type Io, UsageError } from '../command.ts';

export type OutputFormat = 'human' | 'json';

/** @throws UsageError */
export function outputFormat(args: CommandArguments): OutputFormat {
  const text = args.text('output') ?? 'human';
  if (text !== 'human' && text !== 'json') throw new UsageError(`--output cannot be ${text}: human and json are known`);
  return text;
}

interface Findings {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Problems with their lines and carets on standard error; as JSON on standard output when there is a problem. */
export async function reportProblems({ problems, warnings }: Findings, format: OutputFormat, io: Io): Promise<void> {
  if (problems.length + warnings.length === 0) return;
  if (format === 'json') {
    const asJson = (severity: string) => (problem: Problem) => ({
      severity,
      file: problem.file,
      ...problem.position,
      message: problem.message,
      hint: problem.hint ?? '',
    });
    const stream = problems.length > 0 ? io.stdout : io.stderr;
    const all = [...problems.map(asJson('error')), ...warnings.map(asJson('warning'))];
    stream.write(`${JSON.stringify({ valid: problems.length === 0, problems: all })}\n`);
    return;
  }
  // Loaded only when there is something to say: a run that starts must start at once.
  const { problemText } = await import('../report-error.ts');
  for (const warning of warnings) {
    const message = `warning: ${warning.message}`;
    io.stderr.write(`${problemText({ ...warning, message }, io.colour)}\n`);
  }
  for (const problem of problems) io.stderr.write(`${problemText(problem, io.colour)}\n`);
}
