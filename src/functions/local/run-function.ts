import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { endProcesses } from '../../toe/targets/process-tree.ts';
import { BuildFailure } from '../../util/faults.ts';
import { isOwnerAlive, nameOfThisProcess } from '../../util/process-identity.ts';
import type { InvocationContext } from '../functions.ts';
import { isFunctionUser, ownUser, prepare, start } from './function-process.ts';
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

/** Of the folders that functions run in; the name of the process that runs them follows. */
const FOLDER = 'kiln-function-';
const LOOK_EVERY_MS = 100;
/** Of what a function prints; the rest is not shown. */
const MAX_LOG_LINES = 1_000;
const MAX_LINE = 4_096;

/**
 * Runs a function once, as a process of its own user with an environment of its own, over the Lambda Runtime API. Whatever
 * happens, nothing of it is left when this ends. Rejects with a BuildFailure for everything that the function did wrong.
 */
export async function runFunction(run: FunctionRun, { signal, monitor }: InvocationContext): Promise<string> {
  const { definition } = run;
  signal.throwIfAborted();
  const user = ownUser();
  await removeLeftOver();
  const root = path.join(os.tmpdir(), `${FOLDER}${await nameOfThisProcess()}`);
  await mkdir(root, { mode: 0o700 });
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

/** Removes the folders of functions whose worker was killed. */
async function removeLeftOver(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    if (!name.startsWith(FOLDER) || (await isOwnerAlive(name.slice(FOLDER.length)))) continue;
    const folder = path.join(os.tmpdir(), name);
    // Everybody may make folders there; those of others may change under the hands of whoever removes them.
    const stats = await lstat(folder).catch(() => undefined);
    if (stats?.isDirectory() === true && (stats.uid === process.getuid?.() || isFunctionUser(stats.uid))) {
      await rm(folder, { recursive: true, force: true });
    }
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
    throw failed(`The function '${name}' ended without an answer: ${how}`);
  });
  const watch = new AbortController();
  const failures = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => failures.reject(failed(`The function '${name}' did not answer within ${timeoutSeconds} s`)),
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
        failures.reject(failed(`The function '${name}' used more than ${memoryMiB} MiB of memory`));
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
    throw failed(`The function '${name}' failed: ${answer.type}: ${answer.message}`);
  }
  try {
    JSON.parse(answer.body);
    return answer.body;
  } catch {
    throw failed(`The function '${name}' answered what is not JSON`);
  }
}

function failed(message: string): BuildFailure {
  return new BuildFailure(message, { kind: 'function failed' });
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
