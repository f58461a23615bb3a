import { readFile, realpath, rm } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';

/** A process that was killed just now may still put a file in. Node waits longer from one try to the next: 5 s in all. */
const WHILE_OTHERS_END = { maxRetries: 9, retryDelay: 100 };

/**
 * Removes a folder with all that is in it; succeeds when there is none. Refuses while something is mounted in it: a root
 * folder of an image in which the host's `/dev` were mounted would take that with it.
 */
export async function removeTree(folder: string): Promise<void> {
  const path = await realpath(folder).catch(() => undefined);
  if (path === undefined) return;
  const mount = (await mountPoints()).find((point) => point === path || point.startsWith(`${path}/`));
  if (mount !== undefined) {
    throw new BuilderFault('A folder is not removed because something is mounted in it', {
      where: mount,
      hint: `Unmount it: umount ${mount}`,
    });
  }
  await rm(path, { recursive: true, force: true, ...WHILE_OTHERS_END });
}

async function mountPoints(): Promise<readonly string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  // The fifth field; blanks and backslashes in it are written as octal numbers.
  return table.split('\n').map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, fromOctal));
}

function fromOctal(_match: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 8));
}
