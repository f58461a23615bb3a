import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DocumentMonitor, DocumentRunResult, RunnableDocument } from '../../toe/run-documents.types.ts';
import { makeFolder } from '../../util/make-folder.ts';
import { formatProblem, type Problem } from '../../util/problem.ts';
import type { ConsoleSink } from './console-log.ts';
import { chainingOf, detailedOutput } from './detailed-output.ts';
import type { DocumentSource } from './documents.ts';
import { LogFile } from './log-file.ts';

export interface LogFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes the application log. */
  readonly monitor: DocumentMonitor;
  /** Writes `console.log`. */
  readonly console: ConsoleSink;
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

/**
 * Makes `TOE_<date>_<time>_UTC-0_<executionId>` below `parent`, readable by its owner only, with the files that AWSTOE
 * writes. Source: EC2 Image Builder User Guide, "Get started with AWSTOE".
 */
export async function openLogFolder(options: LogFolderOptions): Promise<LogFolder> {
  const { executionId, sources, documents } = options;
  const path = options.resumed ?? join(options.parent, folderName(executionId, options.now));
  await makeFolder(path, 0o700);
  for (const [index, { text }] of sources.entries()) {
    await writeFile(join(path, index === 0 ? 'document.yaml' : `document-${index + 1}.yaml`), text, { mode: 0o600 });
  }
  const console = new LogFile(join(path, 'console.log'));
  const application = new LogFile(join(path, 'application.log'));
  const note = (text: string): void => {
    const line = `${new Date().toISOString()} ${text}`;
    application.write(line);
    options.trace?.(line);
  };
  note(
    options.resumed === undefined
      ? `Execution ${executionId} began`
      : `Execution ${executionId} goes on after a reboot`,
  );
  for (const { id } of documents) note(`Document ${id} is valid`);
  for (const warning of options.warnings) note(`Warning: ${formatProblem(warning)}`);
  const close = async (): Promise<void> => {
    console.close();
    application.close();
  };
  return {
    path,
    console: (line) => console.write(line),
    monitor: {
      line: (source, text) => {
        if (source === 'kiln' || source === 'console') note(text);
      },
      stepStarted: ({ documentId, phase, step, action }) => note(`${documentId}: ${phase}/${step}: ${action} started`),
      stepEnded: ({ documentId, phase, step }, status, seconds, failureMessage) => {
        const why = failureMessage === '' ? '' : `: ${failureMessage}`;
        note(`${documentId}: ${phase}/${step}: ${status} after ${seconds.toFixed(3)} s${why}`);
      },
    },
    finish: async (result) => {
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
