import { constants } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';

/** Also to another file system: whoever has the file open keeps it. */
export async function moveFile(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL);
    await rm(from);
  });
}
