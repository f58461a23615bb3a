import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/**
 * A name that says which process it belongs to: `PID-STARTED-random`. `STARTED` (clock ticks since boot) tells the
 * process from a later one with the same pid.
 */
export async function nameOfThisProcess(): Promise<string> {
  return `${process.pid}-${(await startTime(process.pid)) ?? 0}-${randomBytes(6).toString('hex')}`;
}

/** Whether the process that chose this name still runs. False for names of any other form. */
export async function isOwnerAlive(name: string): Promise<boolean> {
  const match = /^([0-9]+)-([0-9]+)-[0-9a-f]{12}$/.exec(name);
  return match !== null && (await startTime(Number(match[1]))) === match[2];
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process, or it is dead and not reaped. */
async function startTime(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the program's name in parentheses, which may hold spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}
