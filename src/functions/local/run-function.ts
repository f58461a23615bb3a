import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, cp, lchown, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { endProcesses } from '../../toe/targets/process-tree.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { InvocationContext } from '../functions.ts';
import { groupMemoryMiB } from './group-memory.ts';
import type { LocalFunction } from './registry.ts';
import { type Answer, serveRuntimeApi } from './runtime-api.ts';

export interface FunctionRun {
  readonly definition: LocalFunction;
  /** Folder of the code; it is copied, so that the function cannot change it. */
  readonly code: string;
  readonly event: string;
  readonly functionArn: string;
  readonly region: string;
}

/** Users that exist nowhere; each run has one of its own, when Kiln runs as root. */
const FIRST_UID = 1_879_048_192;
const UIDS = 1_000_000;
const LOOK_EVERY_MS = 100;
/** Of what a function prints; the rest is not shown. */
const MAX_LOG_LINES = 1_000;
const MAX_LINE = 4_096;
/** Which file descriptor of the child is the program: its path may lie where the function's user cannot go. */
const PROGRAM_FD = 3;

/**
 * Runs a function once, as a process of its own user with an environment of its own, over the Lambda Runtime API. Whatever
 * happens, nothing of it is left when this ends. Rejects with a BuildFailure for everything that the function did wrong.
 */
export async function runFunction(run: FunctionRun, { signal, monitor }: InvocationContext): Promise<string> {
  const { definition } = run;
  signal.throwIfAborted();
  const user = ownUser();
  const root = await mkdtemp(path.join(os.tmpdir(), 'kiln-function-'));
  const mark = `KILN_FUNCTION_RUN=${randomUUID()}`;
  const requestId = randomUUID();
  const deadline = new Date(Date.now() + definition.timeoutSeconds * 1000);
  await using api = await serveRuntimeApi({ requestId, event: run.event, functionArn: run.functionArn, deadline });
  let child: ChildProcess | undefined;
  try {
    await prepare(root, run, user);
    child = await start(root, run, { address: api.address, mark, user });
    const said = [show(child.stdout, 'stdout', monitor), show(child.stderr, 'stderr', monitor)];
    const answer = await firstOf(child, api.answer, definition, signal);
    // What it printed before it answered is still on its way.
    if (child.pid !== undefined) await endProcesses(child.pid, mark);
    await Promise.all(said);
    return responseOf(answer, definition);
  } finally {
    if (child?.pid !== undefined) await endProcesses(child.pid, mark);
    await rm(root, { recursive: true, force: true });
  }
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined when Kiln may not become somebody else: then functions run as Kiln does. */
function ownUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const uid = FIRST_UID + Math.floor(Math.random() * UIDS);
  return { uid, gid: uid };
}

async function prepare(root: string, { definition, code }: FunctionRun, user: User | undefined): Promise<void> {
  const task = path.join(root, 'task');
  await cp(code, task, { recursive: true, verbatimSymlinks: true });
  const bootstrap = { nodejs: 'bootstrap.mjs', python: 'bootstrap.py', provided: undefined }[definition.runtime];
  if (bootstrap !== undefined) {
    await copyFile(new URL(bootstrap, import.meta.url), path.join(root, bootstrap));
    await chmod(path.join(root, bootstrap), 0o644);
  }
  if (user === undefined) return;
  await lchown(root, user.uid, user.gid);
  for (const entry of await readdir(task, { recursive: true, withFileTypes: true })) {
    await lchown(path.join(entry.parentPath, entry.name), user.uid, user.gid);
  }
  await lchown(task, user.uid, user.gid);
}

async function start(
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
    return started(spawn(`/proc/self/fd/${PROGRAM_FD}`, args, { ...options, stdio }), definition);
  }
  const [file, args] =
    definition.runtime === 'python'
      ? ['python3', [path.join(root, 'bootstrap.py')]]
      : [path.join(task, 'bootstrap'), []];
  return started(spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }), definition);
}

async function started(child: ChildProcess, { name }: LocalFunction): Promise<ChildProcess> {
  try {
    await once(child, 'spawn');
    return child;
  } catch (thrown) {
    throw new BuildFailure(`The function '${name}' cannot be started: ${coerceError(thrown).message}`);
  }
}

/** The answer, or a BuildFailure for what comes in its place. */
async function firstOf(
  child: ChildProcess,
  answer: Promise<Answer>,
  { name, timeoutSeconds, memoryMiB }: LocalFunction,
  signal: AbortSignal,
): Promise<Answer> {
  const ended = once(child, 'exit').then(([code, by]: (number | string | null)[]) => {
    const how = by === null || by === undefined ? `exit status ${code}` : `signal ${by}`;
    throw new BuildFailure(`The function '${name}' ended without an answer: ${how}`);
  });
  const watch = new AbortController();
  const failures = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => failures.reject(new BuildFailure(`The function '${name}' did not answer within ${timeoutSeconds} s`)),
    timeoutSeconds * 1000,
  );
  const onAbort = (): void => failures.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const { pid } = child;
  const look = setInterval(() => {
    if (pid === undefined) return;
    groupMemoryMiB(pid).then(
      (used) => {
        if (used <= memoryMiB || watch.signal.aborted) return;
        failures.reject(new BuildFailure(`The function '${name}' used more than ${memoryMiB} MiB of memory`));
      },
      () => {},
    );
  }, LOOK_EVERY_MS);
  try {
    return await Promise.race([answer, ended, failures.promise]);
  } finally {
    watch.abort();
    clearTimeout(timer);
    clearInterval(look);
    signal.removeEventListener('abort', onAbort);
    ended.catch(() => {});
    failures.promise.catch(() => {});
  }
}

function responseOf(answer: Answer, { name }: LocalFunction): string {
  if (answer.kind === 'error') {
    throw new BuildFailure(`The function '${name}' failed: ${answer.type}: ${answer.message}`);
  }
  try {
    JSON.parse(answer.body);
    return answer.body;
  } catch {
    throw new BuildFailure(`The function '${name}' answered what is not JSON`);
  }
}

/** Resolves when the stream has ended. */
async function show(
  stream: Readable | null,
  source: 'stdout' | 'stderr',
  { line: say }: InvocationContext['monitor'],
): Promise<void> {
  if (stream === null) return;
  let lines = 0;
  for await (const line of createInterface({ input: stream })) {
    if (lines++ < MAX_LOG_LINES) say(source, line.slice(0, MAX_LINE));
  }
}
