import { type ChildProcess, spawn } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { run as runProgram } from '../../util/spawn.ts';
import { RebootRefusedError, type Target, type TargetCommand, type TargetExit, TargetLostError } from '../target.ts';
import { localTarget } from './local.ts';
import { limitProcesses, type ProcessLimit } from './process-limit.ts';

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
}

const INIT = fileURLToPath(new URL('./chroot-init.sh', import.meta.url));
const START_MS = 10_000;
/** More than any installation needs, less than what brings a machine down. */
const MAX_PROCESSES = 4096;

/**
 * What root may do in the container. Left out is all that reaches beyond it: mounts, modules, devices, the clock, the
 * network's settings, tracing, and opening files by their handles, for those are found outside of the root folder too.
 */
const CAPABILITIES = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'setfcap',
  'linux_immutable',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'lease',
];

const TOOLS = ['env', 'unshare', 'nsenter', 'setpriv', 'chroot', 'umount', 'sh'] as const;
type Tools = Readonly<Record<(typeof TOOLS)[number], string>>;

/**
 * A container whose file system is a folder of this machine: processes, mounts, IPC and host name are its own, its
 * root user may change files and nothing else of the machine. Needs root and util-linux. Rejects with a BuilderFault when
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
  const limit = await limitProcesses(options.maxProcesses ?? MAX_PROCESSES);
  const init = spawn(
    program,
    [
      ...before,
      // With this process ends unshare, with unshare the container.
      ...['--pdeathsig', 'KILL', tools.unshare],
      ...['--fork', '--kill-child', '--propagation', 'private', '--pid', '--mount', '--ipc', '--uts', ...own, '--'],
      ...[tools.sh, INIT, options.root, options.hostname ?? 'localhost', resolver, ...binds],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { PATH: SYSTEM_PATH.join(':') }, cwd: '/' },
  );
  const ended = new Promise<void>((resolve) => {
    init.once('exit', () => resolve());
    init.once('error', () => resolve());
  });
  const close = async (): Promise<void> => {
    init.kill('SIGKILL');
    await ended;
    await limit?.release();
  };
  try {
    const pid = await announcedPid(init, signal);
    await dropOldRoot(pid, tools);
    return chrootTarget(options, { init, pid, tools, limit, close });
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
    TOOLS.map(async (tool): Promise<[string, string]> => {
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
        hint: 'install util-linux',
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

/**
 * Takes the host's file system out of the container's mounts. Done from outside, with the host's root and the
 * container's mounts, because nothing of the host's can be started inside any more.
 */
async function dropOldRoot(pid: number, tools: Tools): Promise<void> {
  const old = `/proc/${pid}/root/dev/.host`;
  const script = '"$1" -l -- "$2" && exec rmdir -- "$2"';
  const args = ['--target', String(pid), '--mount', '--root=/', '--', tools.sh, '-c', script, 'sh', tools.umount, old];
  const { code, stderr } = await runProgram(tools.nsenter, args, { env: { PATH: SYSTEM_PATH.join(':') } });
  if (code !== 0) throw new Error(stderr.toString().trim());
}

interface Container {
  readonly init: ChildProcess;
  readonly pid: number;
  readonly tools: Tools;
  readonly limit: ProcessLimit | undefined;
  readonly close: () => Promise<void>;
}

function chrootTarget(options: ChrootTargetOptions, { init, pid, tools, limit, close }: Container): ChrootTarget {
  // `--root=/` keeps the host's root folder in the container's namespaces, so that the host's programs can still be
  // started; the container's is the working directory, which `chroot .` makes the root.
  const root = `/proc/${pid}/root`;
  const local = localTarget({ environment: options.environment, cwd: '/' });
  const counted = ['-c', 'echo 0 > "$1" || exit 126; shift; exec "$@"', 'sh', limit?.members ?? ''];
  const enter = [
    ...(limit === undefined ? [] : [tools.sh, ...counted]),
    ...[
      tools.env,
      `--chdir=${root}`,
      tools.nsenter,
      '--target',
      String(pid),
      '--root=/',
      '--mount',
      '--pid',
      '--ipc',
      '--uts',
    ],
    ...(options.network === 'none' ? ['--net'] : []),
    ...['--', tools.setpriv, '--bounding-set', `-all,${CAPABILITIES.map((name) => `+${name}`).join(',')}`, '--'],
    ...[tools.chroot, '.', '/bin/sh', '-c', 'umask 022; cd -- "$1" || exit 126; shift; exec "$@"', 'sh'],
  ];
  let closed = false;
  const throwIfGone = (): void => {
    // The end of the first process is seen here before it is announced.
    if (closed || init.exitCode !== null || init.signalCode !== null || !existsSync(`${root}/proc`))
      throw new TargetLostError(`${options.name} was lost: the container has ended`);
  };

  async function run(command: TargetCommand): Promise<TargetExit> {
    command.signal.throwIfAborted();
    throwIfGone();
    const { cwd = options.cwd ?? '/', ...rest } = command;
    const [first = tools.nsenter, ...before] = enter;
    const exit = await local.run({ ...rest, argv: [first, ...before, cwd, ...command.argv], cwd: '/' });
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
    [Symbol.asyncDispose]: closeOnce,
  };
}
