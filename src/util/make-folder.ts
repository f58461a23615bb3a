import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder that a person has named, and those that it lies in, where they are not there. Not with mkdir's `recursive`: where the
 * kernel says that there is no such place though its parent is there (below /proc), Node 24 asks again for ever.
 *
 * @param path Absolute.
 * @param mode Of the folders that are made; subject to the umask.
 * @returns Whether the folder was not there.
 * @throws The system's error.
 */
export async function makeFolder(path: string, mode: number): Promise<boolean> {
  const before = await stat(path).catch(() => undefined);
  if (before?.isDirectory() === true) return false;
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent, mode);
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    // Somebody else has just made it.
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return false;
    throw error;
  }
}
