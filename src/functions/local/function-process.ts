import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, constants, copyFile, cp, lchown, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { LocalFunction } from './registry.ts';
import type { FunctionRun } from './run-function.ts';

/** Users that exist nowhere; each run has one of its own, when Kiln runs as root. */
const FIRST_UID = 1_879_048_192;
const UIDS = 1_000_000;
/** Which file descriptor of the child is the program: its path may lie where the function's user cannot go. */
const PROGRAM_FD = 3;
/** A function does not outlive a Kiln that was killed. */
const UNTIL_KILN_ENDS = ['--pdeathsig', 'KILL', '--'];

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined when Kiln may not become somebody else: then functions run as Kiln does. */
export function ownUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const uid = FIRST_UID + Math.floor(Math.random() * UIDS);
  return { uid, gid: uid };
}

export function isFunctionUser(uid: number): boolean {
  return uid >= FIRST_UID && uid < FIRST_UID + UIDS;
}

/** Lays out what the function may see in a fresh folder: its code, and the bootstrap of its runtime. */
export async function prepare(root: string, { definition, code }: FunctionRun, user: User | undefined): Promise<void> {
  const task = path.join(root, 'task');
  await cp(code, task, { recursive: true, verbatimSymlinks: true });
  const bootstrap = { nodejs: 'bootstrap.mjs', python: 'bootstrap.py', provided: undefined }[definition.runtime];
  if (bootstrap !== undefined) {
    await copyFile(new URL(bootstrap, import.meta.url), path.join(root, bootstrap));
    await chmod(path.join(root, bootstrap), 0o644);
  }
  if (definition.runtime === 'provided') {
    await access(path.join(task, 'bootstrap'), constants.X_OK).catch(() => {
      throw new BuildFailure(`The function '${definition.name}' cannot be started: it has no program 'bootstrap'`, {
        kind: 'function failed',
      });
    });
  }
  if (user === undefined) return;
  await lchown(root, user.uid, user.gid);
  for (const entry of await readdir(task, { recursive: true, withFileTypes: true })) {
    await lchown(path.join(entry.parentPath, entry.name), user.uid, user.gid);
  }
  await lchown(task, user.uid, user.gid);
}

/** Starts it; the process is there when this resolves. */
export async function start(
  root: string,
  { definition, region }: FunctionRun,
  { address, mark, user }: { readonly address: string; readonly mark: string; readonly user: User | undefined },
): Promise<ChildProcess> {
  const task = path.join(root, 'task');
  const [markName = '', markValue = ''] = mark.split('=');
  const environment = {
    ...{ PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', TZ: ':UTC', HOME: root, TMPDIR: root },
    ...definition.environment,
    ...{ AWS_LAMBDA_RUNTIME_API: address, LAMBDA_TASK_ROOT: task, _HANDLER: definition.handler },
    ...{ AWS_LAMBDA_FUNCTION_NAME: definition.name, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMiB) },
    ...{ AWS_REGION: region, AWS_DEFAULT_REGION: region, AWS_LAMBDA_FUNCTION_VERSION: '$LATEST' },
    [markName]: markValue,
  };
  const options = { cwd: task, env: environment, detached: true, ...(user ?? {}) };
  if (definition.runtime === 'nodejs') {
    await using program = await open(process.execPath, 'r');
    const args = [`--max-old-space-size=${definition.memoryMiB}`, path.join(root, 'bootstrap.mjs')];
    const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe', program.fd];
    return started(
      spawn('setpriv', [...UNTIL_KILN_ENDS, `/proc/self/fd/${PROGRAM_FD}`, ...args], { ...options, stdio }),
      definition,
    );
  }
  const [file, args] =
    definition.runtime === 'python'
      ? ['python3', [path.join(root, 'bootstrap.py')]]
      : [path.join(task, 'bootstrap'), []];
  const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'pipe'];
  return started(spawn('setpriv', [...UNTIL_KILN_ENDS, file, ...args], { ...options, stdio }), definition);
}

async function started(child: ChildProcess, { name }: LocalFunction): Promise<ChildProcess> {
  try {
    await once(child, 'spawn');
    return child;
  } catch (thrown) {
    throw new BuildFailure(`The function '${name}' cannot be started: ${coerceError(thrown).message}`, {
      kind: 'function failed',
    });
  }
}
