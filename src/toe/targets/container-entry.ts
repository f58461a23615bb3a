import { fileURLToPath } from 'node:url';
import { BuilderFault } from '../../util/faults.ts';
import { type SeccompFilter, seccompFilter } from './seccomp-filter.ts';

export interface ContainerEntryOptions {
  /** The container's first process, as this machine counts. */
  readonly pid: number;
  readonly ownNetwork: boolean;
  readonly tools: Readonly<Record<'env' | 'nsenter' | 'perl' | 'prlimit' | 'sh', string>>;
  /** Files of control groups into which every process of the container goes. */
  readonly members: readonly string[];
  /** Bytes of memory that one process may have for its own data; undefined: as much as there is. */
  readonly dataBytes: number | undefined;
}

/** How programs get into a container: the host's programs that lead there, and an environment that none of them reads. */
export interface ContainerEntry {
  /** @param command Program and arguments, as the container has them; none is a shell. */
  argv(cwd: string, command: readonly string[]): readonly [string, ...string[]];
  environment(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
}

const ENTER = fileURLToPath(new URL('./enter-container.pl', import.meta.url));

/**
 * What root may do in the container, by the numbers of linux/capability.h. Left out is all that reaches beyond it: mounts,
 * modules, devices, the clock, the network's settings, tracing, and opening files by their handles, for those are found
 * outside of the root folder too.
 */
const CAPABILITIES = {
  chown: 0,
  dac_override: 1,
  fowner: 3,
  fsetid: 4,
  kill: 5,
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  linux_immutable: 9,
  net_bind_service: 10,
  net_raw: 13,
  sys_chroot: 18,
  lease: 28,
  audit_write: 29,
  setfcap: 31,
} as const;

const UMASK = '022';

/** Into the control groups, and first to be ended when memory runs out. */
const COUNTED =
  'echo 500 2>/dev/null >/proc/self/oom_score_adj; while [ "$1" != -- ]; do echo 0 >"$1" || exit 126; shift; done; shift; exec "$@"';

/**
 * Variables come in disguise: the host's programs on the way must not read what a container says about libraries to load
 * (LD_PRELOAD, PERL5LIB …). Nor may they be arguments, which everybody on the host can read.
 */
const VARIABLE = 'KILN_VARIABLE_';
const COMMAND = `kiln_i=0
while eval "[ \\"\\\${${VARIABLE}$kiln_i+set}\\" ]"; do
  eval "command export \\"\\$${VARIABLE}$kiln_i\\"; unset ${VARIABLE}$kiln_i" 2>/dev/null || :
  kiln_i=$((kiln_i + 1))
done
unset kiln_i
cd -- "$1" || exit 126
shift
[ "$#" -gt 0 ] || exec /bin/sh
exec "$@"`;

/** Throws a BuilderFault on a machine whose system calls are not known. */
export function containerEntry({ pid, ownNetwork, tools, members, dataBytes }: ContainerEntryOptions): ContainerEntry {
  const filter = knownFilter();
  // `--root=/` keeps the host's root folder in the container's namespaces, so that the host's programs can still be
  // started; the container's is the working directory, which the last of them makes the root.
  const enter = [
    ...['-c', COUNTED, 'sh', ...members, '--'],
    // Nothing that crashes in there is handed to a program of the host: core_pattern may name one. Open files as systemd
    // bounds them on a machine.
    ...[tools.prlimit, '--core=1', '--nofile=1024:', ...(dataBytes === undefined ? [] : [`--data=${dataBytes}`]), '--'],
    ...[tools.env, `--chdir=/proc/${pid}/root`],
    ...[tools.nsenter, '--target', String(pid), '--root=/', '--mount', '--pid', '--ipc', '--uts'],
    ...(ownNetwork ? ['--net'] : []),
    ...['--', tools.perl, ENTER, process.arch, filter.program.toString('hex')],
    ...[Object.values(CAPABILITIES).join(','), UMASK],
  ];
  return {
    argv: (cwd, command) => [tools.sh, ...enter, '/bin/sh', '-c', COMMAND, 'sh', cwd, ...command],
    environment: (variables) =>
      Object.fromEntries(
        Object.entries(variables)
          // Others cannot be passed on by a shell.
          .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
          .map(([name, value], index) => [`${VARIABLE}${index}`, `${name}=${value}`]),
      ),
  };
}

function knownFilter(): SeccompFilter {
  const filter = seccompFilter(process.arch);
  if (filter !== undefined) return filter;
  throw new BuilderFault(`Containers cannot be made on ${process.arch}: its system calls are not known.`);
}
