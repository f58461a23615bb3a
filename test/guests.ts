import { MARKER, markedProcesses } from './leaks.ts';

/** The process ids of virtual machines whose commands were started with this marker in their environment. */
export function guests(marker: Readonly<Record<string, string>>): readonly number[] {
  return markedProcesses(marker[MARKER] ?? '').flatMap(({ pid, command }) =>
    command.includes('-name guest=') ? [pid] : [],
  );
}

/** Looks again and again; the test's own limit ends it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}
