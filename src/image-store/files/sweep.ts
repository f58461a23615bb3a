import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile } from '../../util/file-lock.ts';
import { type Layout, lockPath } from './layout.ts';
import { isOwnerAlive } from './process-identity.ts';
import { readRecords } from './records.ts';
import { removeAbandonedWork } from './work-folder.ts';

/**
 * Removes what killed processes left half-done: work folders, partial records, disks that no record names. Work of
 * processes that still run is left alone.
 */
export async function sweep(layout: Layout, signal: AbortSignal): Promise<void> {
  await removeAbandonedWork(layout);
  for (const folder of [layout.amis, layout.disks]) await removePartialFiles(folder);
  // Disk and record are written under this lock: who has it sees no disk that still waits for its record.
  await using _lock = await lockFile(lockPath(layout, 'store'), signal);
  // Throws for a record that cannot be read, and then no disk is removed.
  const wanted = new Set((await readRecords(layout)).map(({ digest }) => digest));
  for (const name of await readdir(layout.disks)) {
    const digest = /^([0-9a-f]{64})\.(?:qcow2|verified\.json)$/.exec(name)?.[1];
    if (digest !== undefined && !wanted.has(digest)) await rm(join(layout.disks, name), { force: true });
  }
}

async function removePartialFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const owner = /\.([0-9]+-[0-9]+-[0-9a-f]{12})\.partial$/.exec(name)?.[1];
    if (owner !== undefined && !(await isOwnerAlive(owner))) await rm(join(folder, name), { force: true });
  }
}
