import { rm } from 'node:fs/promises';
import { run } from '../../../util/spawn.ts';

/** Removes the folder of a sandbox. Files in it may carry the attribute that keeps them from being removed. */
export async function removeBox(box: string): Promise<void> {
  try {
    await rm(box, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await run('chattr', ['-R', '-f', '-i', '-a', box]).catch(() => undefined);
    await rm(box, { recursive: true, force: true });
  }
}
