import type { DocumentMonitor, DocumentRunResult, RunnableDocument } from '../../toe/run-documents.types.ts';

/** Takes the lines of `console.log`. */
export type ConsoleSink = (line: string) => void;

export interface ConsoleLog {
  readonly monitor: DocumentMonitor;
  /** Writes the block about the first failure. */
  finish(result: DocumentRunResult): void;
}

/** Characters of one step's output that are written as they come; of what follows, the last lines are. */
const MAX_HEAD = 32 * 1024 * 1024;
const TAIL_LINES = 1_000;

/** Characters of standard error that the failure block shows of a step. */
const MAX_STDERR = 256 * 1024;

/**
 * `console.log` as AWSTOE writes it: what steps print, and where they begin and end. It goes to all sinks, line by line.
 * Source: EC2 Image Builder User Guide, "Get started with AWSTOE" and "Find the cause of a failed image build".
 */
export function consoleLog(documents: readonly RunnableDocument[], sinks: readonly ConsoleSink[]): ConsoleLog {
  const stderr = new StepErrors();
  const output = new StepLines();
  const write = (line: string): void => {
    for (const sink of sinks) sink(line);
  };
  return {
    monitor: {
      line: (source, text) => {
        if (source === 'kiln' || source === 'console') return;
        if (source === 'stderr') stderr.add(text);
        const line = `CmdExecution: ${source === 'stdout' ? 'Stdout' : 'Stderr'}: ${text}`;
        if (output.passes(line)) write(line);
      },
      stepStarted: ({ documentId, phase, step, action }) => {
        stderr.begin();
        output.begin();
        for (const line of [`Document ${documentId}`, `Phase ${phase}`, `Step ${step}`]) write(line);
        write(`${action}: STARTED EXECUTION`);
      },
      stepEnded: ({ action }, status, _, failureMessage) => {
        for (const line of output.end()) write(line);
        const code = exitCodeOf(action, status, failureMessage);
        if (code !== undefined) write(`CmdExecution: ExitCode ${code}`);
        write(`${action}: FINISHED EXECUTION`);
        if (status === 'failed') stderr.keepOfFirstFailure();
      },
    },
    finish: (result) => {
      for (const line of failureBlock(result, documents, stderr.ofFirstFailure)) write(line);
    },
  };
}

/** What the program of a step ended with, where the step ran one. */
function exitCodeOf(action: string, status: string, failureMessage: string): number | undefined {
  if (!/^Execute(Bash|Binary|PowerShell)$/.test(action) || status === 'skipped') return undefined;
  if (status === 'success') return 0;
  const code = /exit status (\d+)$/.exec(failureMessage)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** AWSTOE ends its console.log so since 2026; Image Builder shows it as the failure's context. */
function failureBlock(
  { firstFailure }: DocumentRunResult,
  documents: readonly RunnableDocument[],
  stderr: string,
): readonly string[] {
  if (firstFailure === undefined) return [];
  const { documentId, phase, step, action, errorMessage } = firstFailure;
  const name = documents.find(({ id }) => id === documentId)?.document.name ?? '';
  const rows = [
    ['Document', name === '' ? documentId : name],
    ...(documentId.startsWith('arn:') ? [['ComponentArn', documentId]] : []),
    ['Phase', phase],
    ['Step', step],
    ['Action', action],
    ...(errorMessage === '' ? [] : [['ErrorMessage', errorMessage]]),
    ...(stderr === '' ? [] : [['Stderr', stderr]]),
  ];
  return rows.flatMap(([key, value]) => `  ${key}: ${value}`.split('\n'));
}

/** Keeps the output of one step from filling the disk. */
class StepLines {
  #head = 0;
  /** The last lines, in a ring: a list that is cut now and then makes garbage by the gigabyte. */
  #tail: string[] = [];
  #behind = 0;

  begin(): void {
    [this.#head, this.#tail, this.#behind] = [0, [], 0];
  }

  /** Whether the line is to be written; otherwise it may be one of the last. */
  passes(line: string): boolean {
    this.#head += line.length + 1;
    if (this.#head <= MAX_HEAD) return true;
    this.#tail[this.#behind++ % TAIL_LINES] = line;
    return false;
  }

  /** What is still to be written of the step. */
  end(): readonly string[] {
    if (this.#behind <= TAIL_LINES) return this.#tail;
    const next = this.#behind % TAIL_LINES;
    const note = `[… ${this.#behind - TAIL_LINES} lines left out …]`;
    return [note, ...this.#tail.slice(next), ...this.#tail.slice(0, next)];
  }
}

/** Standard error of the step that runs, and of the first one that failed. */
class StepErrors {
  ofFirstFailure = '';
  #lines: string[] = [];
  #size = 0;
  #failed = false;

  begin(): void {
    this.#lines = [];
    this.#size = 0;
  }

  add(line: string): void {
    if (this.#failed || this.#size > MAX_STDERR) return;
    this.#size += line.length + 1;
    this.#lines.push(this.#size > MAX_STDERR ? '[… the rest is above …]' : line);
  }

  keepOfFirstFailure(): void {
    if (!this.#failed) this.ofFirstFailure = this.#lines.join('\n');
    this.#failed = true;
  }
}
