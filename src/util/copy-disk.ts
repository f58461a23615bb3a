import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { run } from './spawn.ts';

/**
 * Copies a disk: shares its blocks where the file system can (reflink: btrfs, XFS; also between subvolumes, where no link
 * leads), keeps its holes elsewhere. Node's own copies fill holes on another file system.
 *
 * @param to Nothing may be there yet; for its owner only. Nothing is there when it rejects, but for what was there before.
 */
export async function copyDisk(from: string, to: string, signal?: AbortSignal): Promise<void> {
  // Made here: `cp` would follow a link, and write over what is there.
  await (await open(to, 'wx', 0o600)).close();
  const args = ['--reflink=auto', '--sparse=auto', '--', resolve(from), resolve(to)];
  try {
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
    const { code, stderr } = await run('cp', args, { env, ...(signal === undefined ? {} : { signal }) });
    if (code !== 0) throw failure(stderr.toString().trim());
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}

/** Callers tell a full disk by its code. */
function failure(said: string): Error {
  const error = new Error(said);
  return /No space left on device/.test(said) ? Object.assign(error, { code: 'ENOSPC' }) : error;
}
