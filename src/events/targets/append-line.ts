import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * Adds a line to a file, which only its owner may read when it is made here. Links are not followed, and what is no
 * file is refused. Resolves when the line is on disk.
 */
export async function appendLine(path: string, line: string): Promise<void> {
  const flags =
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags, 0o600);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is not a file.`);
    await file.appendFile(`${line}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}
