import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nameOfThisProcess } from '../../util/process-identity.ts';

/** Writes a small file so that a reader, also one after a power cut, finds the old content or the new one. */
export async function writeFileAtomic(file: string, content: string): Promise<void> {
  const partial = `${file}.${await nameOfThisProcess()}.partial`;
  try {
    const handle = await open(partial, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
    await syncFolderOf(file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Makes a renamed, linked or removed name last. */
export async function syncFolderOf(file: string): Promise<void> {
  await syncFile(dirname(file));
}

/** Brings a file's content to the disk. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
