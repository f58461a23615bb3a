import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory in MiB. `pss` counts a page that several processes share once; `rss` counts it for each of them. */
export interface Memory {
  readonly pss: number;
  readonly rss: number;
  /** What of `pss` is the database's. */
  readonly database: number;
}

/** Of a process and all below it, with those that left it for init but carry the same word in their command line. */
export function memoryOf(pid: number, word: string): Memory {
  let pss = 0;
  let rss = 0;
  let database = 0;
  for (const member of [...family(pid, word)]) {
    try {
      const text = readFileSync(`/proc/${member}/smaps_rollup`, 'utf8');
      const own = Number(/^Pss:\s+([0-9]+)/m.exec(text)?.[1] ?? 0);
      pss += own;
      if (readFileSync(`/proc/${member}/comm`, 'utf8').startsWith('postgres')) database += own;
      rss += Number(/^Rss:\s+([0-9]+)/m.exec(text)?.[1] ?? 0);
    } catch {
      // It ended while we looked.
    }
  }
  const [pssMiB = 0, rssMiB = 0, databaseMiB = 0] = [pss, rss, database].map((kiB) => Math.round(kiB / 1024));
  return { pss: pssMiB, rss: rssMiB, database: databaseMiB };
}

function family(root: number, word: string): ReadonlySet<number> {
  const parents = new Map<number, number>();
  const members = new Set([root]);
  for (const entry of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      if (command.includes(word)) members.add(Number(entry));
    } catch {
      // It ended while we looked.
    }
  }
  const isMember = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (members.has(pid) || isMember(parents.get(pid)));
  for (const pid of parents.keys()) if (isMember(pid)) members.add(pid);
  return members;
}
