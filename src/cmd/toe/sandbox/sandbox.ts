import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../../toe/target.ts';
import { type ChrootTarget, openChrootTarget } from '../../../toe/targets/chroot.ts';
import { BuilderFault, coerceError } from '../../../util/faults.ts';
import { isOwnerAlive, nameOfThisProcess } from '../../../util/process-identity.ts';
import { removeBox } from './remove-box.ts';

/** What a sandbox begins with; it is only read. */
export type SandboxBase =
  | { readonly kind: 'folder'; readonly path: string }
  /** A raw disk, and where its root file system lies, bytes. */
  | { readonly kind: 'disk'; readonly file: string; readonly offset: number; readonly size: number };

export interface SandboxOptions {
  /** Where sandboxes lie, a folder each. */
  readonly folder: string;
  readonly base: SandboxBase;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Sandbox extends AsyncDisposable {
  readonly target: Target;
}

const MOUNTS = join(import.meta.dirname, 'mounts.sh');
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const START_MS = 20_000;

/**
 * Makes a throwaway root folder over a base, and a container in it. Everything goes when it is disposed of: processes,
 * mounts, files. When this process is killed, the kernel ends processes and mounts, and the next sandbox removes the
 * files. Needs root. A reboot ends every process and keeps the files, as a reboot does.
 */
export async function openSandbox(options: SandboxOptions, signal: AbortSignal): Promise<Sandbox> {
  if (process.getuid?.() !== 0) {
    throw new BuilderFault('A sandbox can only be made by root.', {
      missingPrerequisite: true,
      hint: 'It mounts file systems; run the command with sudo.',
    });
  }
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  await removeAbandoned(options.folder);
  const box = join(options.folder, await nameOfThisProcess());
  await using stack = new AsyncDisposableStack();
  stack.defer(() => removeBox(box));
  await mkdir(box, { mode: 0o700 });
  for (const name of ['lower', 'root', 'layer']) await mkdir(join(box, name), { mode: 0o755 });
  const holder = startHolder(box, options.base);
  stack.defer(() => end(holder));
  await mounted(holder, box, signal);

  const open = (): Promise<ChrootTarget> =>
    openChrootTarget(
      {
        name: 'sandbox',
        root: join(box, 'root'),
        mountsOf: holder.pid ?? 0,
        environment: options.environment,
        hostname: 'sandbox',
      },
      signal,
    );
  let container = await open();
  stack.defer(() => container.close());
  const opened = stack.move();
  const target: Target = {
    os: 'linux',
    name: 'sandbox',
    run: (command) => container.run(command),
    reboot: async () => {
      await container.close();
      container = await open();
    },
  };
  return { target, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The process that holds the mounts: it gets SIGKILL when this process ends in whatever way. */
function startHolder(box: string, base: SandboxBase): ChildProcess {
  const below = base.kind === 'folder' ? [base.path] : [base.file, String(base.offset), String(base.size)];
  const args = [
    '--pdeathsig',
    'KILL',
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--',
    'sh',
    MOUNTS,
    box,
    ...below,
  ];
  return spawn('setpriv', args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
    cwd: '/',
  });
}

async function mounted(holder: ChildProcess, box: string, signal: AbortSignal): Promise<void> {
  const said = Promise.withResolvers<void>();
  let stderr = '';
  holder.stdin?.on('error', () => {});
  holder.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4096);
  });
  holder.stdout?.once('data', () => said.resolve());
  holder.once('error', said.reject);
  holder.once('close', () => said.reject(new Error(stderr.trim() || 'mounting failed')));
  const timer = setTimeout(() => said.reject(new Error(`not mounted after ${START_MS} ms`)), START_MS);
  const onAbort = (): void => said.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await said.promise;
  } catch (error) {
    signal.throwIfAborted();
    const first = await readFile(join(box, 'error'), 'utf8').catch(() => '');
    throw new BuilderFault(`The root folder of the sandbox cannot be mounted: ${coerceError(error).message}`, {
      ...(first.trim() === '' ? {} : { where: first.trim() }),
      hint: 'It needs overlayfs and, for a base image, loop devices.',
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await ended;
}

/** Removes the files of sandboxes whose process is gone; its mounts went with it. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!(await isOwnerAlive(name))) await removeBox(join(folder, name));
  }
}
