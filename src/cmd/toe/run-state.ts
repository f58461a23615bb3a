import { createHash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RunnableDocument } from '../../toe/run-documents.types.ts';
import type { SuspendedRun } from '../../toe/suspended-run.ts';
import { coerceError } from '../../util/faults.ts';
import { makeFolder } from '../../util/make-folder.ts';
import { UsageError } from '../command.ts';

const FILE = 'kiln-toe-state.json';
const VERSION = 1;

interface SavedRun {
  readonly executionId: string;
  /** The log folder, which the resumed run goes on with. */
  readonly logFolder: string | undefined;
  readonly progress: SuspendedRun;
}

/** Where a run is kept over a reboot of this machine. Nothing is written before it is needed. */
export interface RunState {
  /** The run to go on with. */
  readonly saved: SavedRun | undefined;
  /** Gives the path of the file. It holds values of steps, so only its owner can read it. */
  save(run: SavedRun): Promise<string>;
  clear(): Promise<void>;
}

export interface RunStateOptions {
  /** Undefined: a folder below `home`, one for each set of documents. */
  readonly folder: string | undefined;
  readonly home: string;
  /** What makes two runs the same. */
  readonly run: {
    readonly texts: readonly string[];
    readonly phases: readonly string[] | undefined;
    readonly documents: readonly RunnableDocument[];
  };
  readonly executionId: string | undefined;
  /** Forget what is saved. */
  readonly fresh: boolean;
}

/**
 * Looks for a run that was suspended. AWSTOE resumes whatever it finds and ignores the documents that it was given; here
 * a saved run belongs to its documents, phases and parameters, and another one is refused.
 *
 * @throws UsageError
 */
export async function openRunState(options: RunStateOptions): Promise<RunState> {
  const { texts, phases, documents } = options.run;
  const identity = JSON.stringify([texts, phases ?? null, documents.map(({ parameters }) => parameters)]);
  const hash = createHash('sha256').update(identity).digest('hex');
  const folder = options.folder === undefined ? join(options.home, 'toe', hash.slice(0, 32)) : resolve(options.folder);
  const file = join(folder, FILE);
  const clear = async (): Promise<void> => {
    await rm(file, { force: true });
    // The folder is ours only where we chose it.
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  if (options.fresh) await clear();
  const saved = await readSaved(file);
  if (saved !== undefined) {
    const reason =
      saved.hash !== hash
        ? 'other documents, phases or parameters'
        : options.executionId !== undefined && saved.run.executionId !== options.executionId
          ? `the execution id ${saved.run.executionId}`
          : undefined;
    if (reason !== undefined) {
      throw new UsageError(
        `${file} holds a run with ${reason}; give --fresh to forget it, or another --state-directory`,
      );
    }
  }
  return {
    saved: saved?.run,
    save: async (run) => {
      await makeFolder(folder, 0o700);
      const temporary = `${file}.${process.pid}`;
      await writeFile(temporary, JSON.stringify({ version: VERSION, hash, run }), { mode: 0o600, flush: true });
      await rename(temporary, file);
      return file;
    },
    clear,
  };
}

async function readSaved(file: string): Promise<{ readonly hash: string; readonly run: SavedRun } | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(`cannot read the saved run ${file}: ${coerceError(error).message}`);
  }
  const unusable = new UsageError(`${file} is not a run that this version of Kiln saved; give --fresh to forget it`);
  try {
    const saved = JSON.parse(text) as { version: number; hash: string; run: SavedRun };
    if (saved.version !== VERSION || typeof saved.run.progress !== 'object') throw unusable;
    return saved;
  } catch {
    throw unusable;
  }
}
