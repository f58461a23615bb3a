import { rename, rm } from 'node:fs/promises';
import { copyDisk } from '../util/copy-disk.ts';

/** Also to another file system: whoever has the file open keeps it. */
export async function moveFile(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error;
    await copyDisk(from, to);
    await rm(from);
  });
}
