import { readdir, readFile } from 'node:fs/promises';

const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;

/** Memory that the processes of a process group have together, without what they share with nobody counted twice. */
export async function groupMemoryMiB(group: number): Promise<number> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const pages = await Promise.all(ids.map((id) => pagesOf(id, group)));
  return (pages.reduce((sum, one) => sum + one, 0) * PAGE_BYTES) / MIB;
}

async function pagesOf(id: string, group: number): Promise<number> {
  try {
    const stat = await readFile(`/proc/${id}/stat`, 'latin1');
    // The second field is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(fields[2]) !== group) return 0;
    const [, resident = '0', shared = '0'] = (await readFile(`/proc/${id}/statm`, 'latin1')).split(' ');
    return Number(resident) - Number(shared);
  } catch {
    // It ended in the meantime.
    return 0;
  }
}
