/** What of this machine {@link endingWithUs} needs; Debian has it in util-linux. */
export const ENDING_PROGRAMS = ['setpriv', 'unshare'] as const;

/**
 * How a program is started that ends when this process does, however that ends, with everything that it has started itself:
 * with this process ends unshare, and with unshare its namespaces of processes and mounts. Needs root. Exit codes are the
 * program's.
 */
export function endingWithUs(program: string, args: readonly string[]): readonly [string, readonly string[]] {
  const namespace = ['unshare', '--fork', '--kill-child', '--pid', '--mount', '--'];
  // The first process of a namespace hears no SIGTERM and has to collect what others leave: that is a shell, not the program.
  const first = ['sh', '-c', '"$@"; exit $?', 'sh'];
  return ['setpriv', ['--pdeathsig', 'KILL', ...namespace, ...first, program, ...args]];
}
