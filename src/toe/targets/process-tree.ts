import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const TERM_FOR_MS = 2_000;
/** After SIGKILL only the kernel has to act; who is stuck in it longer cannot be helped. */
const KILL_FOR_MS = 3_000;
const LOOK_EVERY_MS = 20;

/**
 * Ends a command with everything it started: SIGTERM, after two seconds SIGKILL. Belonging to the command are the
 * process group of `pid`, every descendant, and every process whose environment holds `mark` (`NAME=value`), which
 * finds daemons that left both. Resolves when all are gone.
 */
export async function endProcesses(pid: number, mark: string): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const found = await membersOf(pid, mark);
  for (const member of found) signalOne(member, 'SIGTERM');
  const begin = performance.now();
  while (performance.now() - begin < TERM_FOR_MS + KILL_FOR_MS) {
    const members = await membersOf(pid, mark);
    if (members.length === 0) return;
    if (performance.now() - begin > TERM_FOR_MS) {
      signalGroup(pid, 'SIGKILL');
      for (const member of members) signalOne(member, 'SIGKILL');
    }
    await delay(LOOK_EVERY_MS);
  }
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly marked: boolean;
}

async function membersOf(root: number, mark: string): Promise<readonly number[]> {
  const entries = (await Promise.all((await processIds()).map((pid) => look(pid, mark)))).flatMap(
    (entry) => entry ?? [],
  );
  const members = new Set<number>();
  for (const entry of entries) {
    if (entry.pid === root || entry.group === root || entry.marked) members.add(entry.pid);
  }
  for (let before = -1; before !== members.size; ) {
    before = members.size;
    for (const entry of entries) if (members.has(entry.parent)) members.add(entry.pid);
  }
  return [...members];
}

async function processIds(): Promise<readonly number[]> {
  try {
    return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    // No /proc (macOS): the process group is all that is known.
    return [];
  }
}

/** Undefined for a process that is gone, or dead and only not yet reaped. */
async function look(pid: number, mark: string): Promise<ProcessEntry | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses and may hold anything, parentheses included.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    return { pid, parent: Number(parent), group: Number(group), marked: environment.split('\0').includes(mark) };
  } catch {
    return undefined;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  signalOne(-pid, signal);
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}
