import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { DocumentMonitor, DocumentRunResult, RunnableDocument } from '../../toe/run-documents.types.ts';
import { formatProblem, type Problem } from '../../util/problem.ts';
import { chainingOf, detailedOutput } from './detailed-output.ts';
import type { DocumentSource } from './documents.ts';

export interface LogFolder extends AsyncDisposable {
  readonly path: string;
  readonly monitor: DocumentMonitor;
  /** Writes what is only known at the end; afterwards the files are whole, and nothing more is written. */
  finish(result: DocumentRunResult): Promise<void>;
}

export interface LogFolderOptions {
  readonly parent: string;
  /** The folder of the run that is resumed: it is gone on with. */
  readonly resumed: string | undefined;
  readonly executionId: string;
  readonly sources: readonly DocumentSource[];
  readonly documents: readonly RunnableDocument[];
  readonly warnings: readonly Problem[];
  readonly now: Date;
  /** Gets each line of the application log as well. */
  readonly trace?: (line: string) => void;
}

/** Characters of standard error that the failure block shows of a step. */
const MAX_STDERR = 256 * 1024;

/**
 * Makes `TOE_<date>_<time>_UTC-0_<executionId>` below `parent`, readable by its owner only, with the files that AWSTOE
 * writes. Source: EC2 Image Builder User Guide, "Get started with AWSTOE".
 */
export async function openLogFolder(options: LogFolderOptions): Promise<LogFolder> {
  const { executionId, sources, documents } = options;
  const path = options.resumed ?? join(options.parent, folderName(executionId, options.now));
  await mkdir(path, { recursive: true, mode: 0o700 });
  for (const [index, { text }] of sources.entries()) {
    await writeFile(join(path, index === 0 ? 'document.yaml' : `document-${index + 1}.yaml`), text, { mode: 0o600 });
  }
  const console = createWriteStream(join(path, 'console.log'), { mode: 0o600, flags: 'a' });
  const application = createWriteStream(join(path, 'application.log'), { mode: 0o600, flags: 'a' });
  const note = (text: string): void => {
    const line = `${new Date().toISOString()} ${text}`;
    application.write(`${line}\n`);
    options.trace?.(line);
  };
  note(
    options.resumed === undefined
      ? `Execution ${executionId} began`
      : `Execution ${executionId} goes on after a reboot`,
  );
  for (const { id } of documents) note(`Document ${id} is valid`);
  for (const warning of options.warnings) note(`Warning: ${formatProblem(warning)}`);
  const stderr = new StepErrors();
  const close = async (): Promise<void> => {
    for (const stream of [console, application]) {
      if (stream.writableFinished) continue;
      stream.end();
      await finished(stream);
    }
  };
  return {
    path,
    monitor: {
      line: (source, text) => {
        if (source === 'kiln' || source === 'console') return note(text);
        if (source === 'stderr') stderr.add(text);
        console.write(`CmdExecution: ${source === 'stdout' ? 'Stdout' : 'Stderr'}: ${text}\n`);
      },
      stepStarted: ({ documentId, phase, step, action }) => {
        stderr.begin();
        console.write(`Document ${documentId}\nPhase ${phase}\nStep ${step}\n${action}: STARTED EXECUTION\n`);
        note(`${documentId}: ${phase}/${step}: ${action} started`);
      },
      stepEnded: ({ documentId, phase, step, action }, status, seconds, failureMessage) => {
        const code = exitCodeOf(action, status, failureMessage);
        if (code !== undefined) console.write(`CmdExecution: ExitCode ${code}\n`);
        console.write(`${action}: FINISHED EXECUTION\n`);
        if (status === 'failed') stderr.keepOfFirstFailure();
        const why = failureMessage === '' ? '' : `: ${failureMessage}`;
        note(`${documentId}: ${phase}/${step}: ${status} after ${seconds.toFixed(3)} s${why}`);
      },
    },
    finish: async (result) => {
      console.write(failureBlock(result, documents, stderr.ofFirstFailure));
      await writeJson(join(path, 'detailedoutput.json'), detailedOutput(result, documents));
      await writeJson(join(path, 'chaining.json'), chainingOf(result));
      note(`Execution ${executionId} ended: ${result.status}`);
      await close();
    },
    [Symbol.asyncDispose]: close,
  };
}

function folderName(executionId: string, now: Date): string {
  const [date = '', time = ''] = now.toISOString().slice(0, 19).split('T');
  return `TOE_${date}_${time.replaceAll(':', '-')}_UTC-0_${executionId.replace(/[^A-Za-z0-9_.-]/g, '_')}`;
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
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
): string {
  if (firstFailure === undefined) return '';
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
  return `${rows.map(([key, value]) => `  ${key}: ${value}`).join('\n')}\n`;
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
