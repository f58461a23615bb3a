import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';

/** How a function is started: by Kiln's own bootstrap for Node or Python, or by the program `bootstrap` in its folder. */
export const RUNTIMES = ['nodejs', 'python', 'provided'] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** A function that was registered on this machine. */
export interface LocalFunction {
  readonly name: string;
  readonly runtime: Runtime;
  /** `FILE.FUNCTION`, as Lambda has it. */
  readonly handler: string;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** Source: Lambda Developer Guide, quotas and CreateFunction. */
export const FUNCTION_NAME = /^[A-Za-z0-9_-]{1,64}$/;
export const LIMITS = { memoryMiB: [128, 10_240], timeoutSeconds: [1, 900], codeBytes: 250 * 1024 * 1024 } as const;

export interface FunctionRegistry {
  list(): Promise<readonly LocalFunction[]>;
  find(name: string): Promise<LocalFunction | undefined>;
  /** Where the code of a function lies. */
  codeOf(name: string): string;
  /** Copies the code; a function of this name is replaced. Throws a BuilderFault when the folder is too large. */
  add(definition: LocalFunction, folder: string, signal: AbortSignal): Promise<void>;
  /** False when there was none. */
  remove(name: string, signal: AbortSignal): Promise<boolean>;
}

/** The functions in a folder of KILN_HOME: a folder each, with `function.json` and `code/`. */
export function functionRegistry(folder: string): FunctionRegistry {
  const read = async (name: string): Promise<LocalFunction | undefined> => {
    if (!FUNCTION_NAME.test(name)) return undefined;
    const text = await readFile(path.join(folder, name, 'function.json'), 'utf8').catch(missing);
    return text === undefined ? undefined : (JSON.parse(text) as LocalFunction);
  };
  const lock = async (signal: AbortSignal) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return lockFile(path.join(folder, '.lock'), signal);
  };
  return {
    find: read,
    codeOf: (name) => path.join(folder, name, 'code'),
    list: async () => {
      const names = (await readdir(folder).catch(missing)) ?? [];
      const all = await Promise.all(names.toSorted().map(read));
      return all.filter((found) => found !== undefined);
    },
    add: async (definition, source, signal) => {
      await using _lock = await lock(signal);
      await checkSize(source);
      const draft = path.join(folder, `.new-${process.pid}`);
      await rm(draft, { recursive: true, force: true });
      await mkdir(draft, { mode: 0o700 });
      await cp(source, path.join(draft, 'code'), { recursive: true, verbatimSymlinks: true });
      await writeFile(path.join(draft, 'function.json'), JSON.stringify(definition, null, 2), { mode: 0o600 });
      await chmod(path.join(draft, 'code'), 0o755);
      await rm(path.join(folder, definition.name), { recursive: true, force: true });
      await rename(draft, path.join(folder, definition.name));
    },
    remove: async (name, signal) => {
      await using _lock = await lock(signal);
      if ((await read(name)) === undefined) return false;
      await rm(path.join(folder, name), { recursive: true, force: true });
      return true;
    },
  };
}

async function checkSize(source: string): Promise<void> {
  let bytes = 0;
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
    if (bytes > LIMITS.codeBytes) {
      throw new BuilderFault(`${source} has more than ${LIMITS.codeBytes / 1024 / 1024} MiB`, {
        hint: 'That is as large as the code of a function may be.',
      });
    }
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
