import { type ChildProcess, spawn } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { RebootRefusedError, type Target, type TargetCommand, type TargetExit, TargetLostError } from '../target.ts';
import { type ContainerEntry, containerEntry } from './container-entry.ts';
import { localTarget } from './local.ts';
import { limitResources, type ResourceLimits } from './resource-limits.ts';

export interface ChrootTargetOptions {
  /** What messages call it. */
  readonly name: string;
  /** Absolute path of the folder that becomes `/`; mounted already, and kept so until the target is closed. */
  readonly root: string;
  /** The whole environment of the commands; what a command adds goes on top. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where commands without a `cwd` run, a path within the root folder. Default `/`. */
  readonly cwd?: string;
  /** Default `localhost`. */
  readonly hostname?: string;
  /** `host` shares the network of this machine, `none` has only a loopback of its own. Default `host`. */
  readonly network?: 'host' | 'none';
  /** A file of this machine that is the container's `/etc/resolv.conf`. Default: this machine's, with its network. */
  readonly resolver?: string;
  /** A process whose mounts the container starts from, so that `root` may be mounted where this process does not see it. */
  readonly mountsOf?: number;
  /** Processes at a time, where the system can count them (control groups). Default 4096. */
  readonly maxProcesses?: number;
  /**
   * Bytes of memory of all processes together; where the system cannot bound that (control groups), of each. Default: as
   * much as there is.
   */
  readonly maxMemory?: number;
  /** Processors whose time all processes together may take, where the system can bound that. Default: all there are. */
  readonly maxProcessors?: number;
  /** Where control groups are mounted. Default `/sys/fs/cgroup`. */
  readonly controlGroups?: string;
  /** Files and folders of this machine that are seen at a path within the root folder. */
  readonly binds?: readonly ChrootBind[];
}

export interface ChrootBind {
  readonly source: string;
  readonly path: string;
  readonly readOnly: boolean;
}

export interface ChrootTarget extends Target, AsyncDisposable {
  /** Ends every process in the container and takes its mounts away; the root folder is left as it is. */
  close(): Promise<void>;
  /** The container's first process, as this machine counts. */
  readonly pid: number;
  /** What of its limits this system does not bound for all processes together. */
  readonly unbounded: readonly (keyof ResourceLimits)[];
  /** Program and arguments of this machine with which a command gets in, or a shell: those of the command follow. */
  readonly entry: readonly string[];
}

const INIT = fileURLToPath(new URL('./chroot-init.pl', import.meta.url));
const START_MS = 10_000;
const LOOK_EVERY_MS = 5;
/** More than any installation needs, less than what brings a machine down. */
const MAX_PROCESSES = 4096;

/** Programs of this machine and the Debian package of each. */
const TOOLS = {
  env: 'coreutils',
  nsenter: 'util-linux',
  perl: 'perl-base',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
  sh: 'dash',
  unshare: 'util-linux',
} as const;
type Tools = Readonly<Record<keyof typeof TOOLS, string>>;

/**
 * A container whose file system is a folder of this machine: processes, mounts, IPC and host name are its own, its
 * root user may change files and nothing else of the machine. Needs root, util-linux and perl. Rejects with a BuilderFault when
 * it cannot be made. Whoever opens it closes it; should this process end before, the kernel does it.
 */
export async function openChrootTarget(options: ChrootTargetOptions, signal: AbortSignal): Promise<ChrootTarget> {
  signal.throwIfAborted();
  if (process.getuid?.() !== 0) {
    throw new BuilderFault('A container can only be made by root.', { missingPrerequisite: true });
  }
  const tools = await findTools();
  const own = options.network === 'none' ? ['--net'] : [];
  const resolver = options.resolver ?? (options.network === 'none' ? '' : '/etc/resolv.conf');
  const mounts =
    options.mountsOf === undefined ? [] : [tools.nsenter, '--target', String(options.mountsOf), '--mount', '--'];
  const [program = tools.setpriv, ...before] = [...mounts, tools.setpriv];
  const binds = (options.binds ?? []).flatMap(({ source, path, readOnly }) => [source, path, readOnly ? 'ro' : 'rw']);
  const wanted: ResourceLimits = {
    processes: options.maxProcesses ?? MAX_PROCESSES,
    ...(options.maxMemory === undefined ? {} : { memory: options.maxMemory }),
    ...(options.maxProcessors === undefined ? {} : { processors: options.maxProcessors }),
  };
  const limits = await limitResources(wanted, options.controlGroups);
  const init = spawn(
    program,
    [
      ...before,
      // With this process ends unshare, with unshare the container.
      ...['--pdeathsig', 'KILL', tools.unshare],
      ...['--fork', '--kill-child', '--propagation', 'private', '--pid', '--mount', '--ipc', '--uts', ...own, '--'],
      ...[tools.perl, INIT, process.arch, options.root, options.hostname ?? 'localhost', resolver, ...binds],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { PATH: SYSTEM_PATH.join(':') }, cwd: '/' },
  );
  const ended = new Promise<void>((resolve) => {
    init.once('exit', () => resolve());
    init.once('error', () => resolve());
  });
  let pid: number | undefined;
  const close = async (): Promise<void> => {
    init.kill('SIGKILL');
    await ended;
    if (pid !== undefined) await untilEnded(pid);
    await limits.release();
  };
  try {
    pid = await announcedPid(init, signal);
    const entry = containerEntry({
      pid,
      ownNetwork: options.network === 'none',
      tools,
      members: limits.members,
      dataBytes: limits.bounded.has('memory') ? undefined : options.maxMemory,
    });
    const unbounded = (Object.keys(wanted) as (keyof ResourceLimits)[]).filter((each) => !limits.bounded.has(each));
    return chrootTarget(options, { init, pid, entry, close, unbounded });
  } catch (error) {
    await close();
    signal.throwIfAborted();
    throw new BuilderFault(`The container ${options.name} cannot be made: ${coerceError(error).message}`, {
      cause: error,
    });
  }
}

const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** By absolute path: the environment of commands is the container's, its PATH must not decide what runs on the host. */
async function findTools(): Promise<Tools> {
  const found = await Promise.all(
    Object.entries(TOOLS).map(async ([tool, debianPackage]): Promise<[string, string]> => {
      for (const folder of SYSTEM_PATH) {
        const path = `${folder}/${tool}`;
        if (
          await access(path, constants.X_OK).then(
            () => true,
            () => false,
          )
        )
          return [tool, path];
      }
      throw new BuilderFault(`The program ${tool} is missing.`, {
        missingPrerequisite: true,
        hint: `On Debian and Ubuntu: apt-get install ${debianPackage}`,
      });
    }),
  );
  return Object.fromEntries(found) as Tools;
}

/** The process id on the host of the container's first process, once the container is ready. */
async function announcedPid(init: ChildProcess, signal: AbortSignal): Promise<number> {
  let out = '';
  let err = '';
  const said = Promise.withResolvers<number>();
  init.stdin?.on('error', () => {});
  init.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    const line = /^(\d+)\n/.exec(out);
    if (line !== null) said.resolve(Number(line[1]));
  });
  init.stderr?.on('data', (chunk: Buffer) => {
    err = (err + chunk.toString()).slice(-4096);
  });
  init.once('error', said.reject);
  init.once('close', () => said.reject(new Error(err.trim() || 'its first process ended')));
  const timer = setTimeout(() => said.reject(new Error(`it was not ready after ${START_MS} ms`)), START_MS);
  const onAbort = (): void => said.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await said.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** A container's first process ends after all others, and after their files are closed; nobody may have fetched it yet. */
async function untilEnded(pid: number): Promise<void> {
  for (;;) {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // After the name, which may have any characters, stands the state.
    if (/^$|\) [ZX] [^)]*$/.test(status)) return;
    await delay(LOOK_EVERY_MS);
  }
}

interface Container {
  readonly init: ChildProcess;
  readonly pid: number;
  readonly entry: ContainerEntry;
  readonly close: () => Promise<void>;
  readonly unbounded: ChrootTarget['unbounded'];
}

function chrootTarget(options: ChrootTargetOptions, { init, pid, entry, close, unbounded }: Container): ChrootTarget {
  const local = localTarget({ environment: { PATH: SYSTEM_PATH.join(':') }, cwd: '/' });
  let closed = false;
  const throwIfGone = (): void => {
    // The end of the first process is seen here before it is announced.
    if (closed || init.exitCode !== null || init.signalCode !== null || !existsSync(`/proc/${pid}/root/proc`))
      throw new TargetLostError(`${options.name} was lost: the container has ended`);
  };

  async function run(command: TargetCommand): Promise<TargetExit> {
    command.signal.throwIfAborted();
    throwIfGone();
    const { cwd = options.cwd ?? '/', ...rest } = command;
    const exit = await local.run({
      ...rest,
      argv: entry.argv(cwd, command.argv),
      env: entry.environment({ ...options.environment, ...command.env }),
      cwd: '/',
    });
    // With the container ends everything in it: what looks like a killed command is a lost machine.
    throwIfGone();
    return exit;
  }

  const closeOnce = async (): Promise<void> => {
    closed = true;
    await close();
  };
  return {
    os: 'linux',
    name: options.name,
    run,
    reboot: () => Promise.reject(new RebootRefusedError('A container cannot be rebooted.')),
    close: closeOnce,
    pid,
    unbounded,
    entry: entry.argv(options.cwd ?? '/', []),
    [Symbol.asyncDispose]: closeOnce,
  };
}
