import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile } from '../../util/file-lock.ts';
import { isOwnerAlive } from '../../util/process-identity.ts';
import { type Layout, lockPath } from './layout.ts';
import { abandonedLayers, removeUnwanted } from './wanted-files.ts';
import { removeAbandonedWork } from './work-folder.ts';

/**
 * Removes what killed processes left half-done: work folders, partial records, leases, disks and layers that no record names. Work of
 * processes that still run is left alone.
 */
export async function sweep(layout: Layout, signal: AbortSignal): Promise<void> {
  await removeAbandonedWork(layout);
  for (const folder of [layout.amis, layout.disks, layout.checkpoints, layout.leases]) await removePartialFiles(folder);
  for (const name of await readdir(layout.leases)) {
    // One that is being written has its writer's name at its end.
    if (name.endsWith('.partial')) continue;
    if (!(await isOwnerAlive(name.replace(/\.json$/, '')))) await rm(join(layout.leases, name), { force: true });
  }
  // Disk and record are written under this lock: who has it sees no disk that still waits for its record.
  await using _lock = await lockFile(lockPath(layout, 'store'), signal);
  // Throws for a record that cannot be read, and then no disk is removed.
  const disks = (await readdir(layout.disks)).map(
    (name) => /^([0-9a-f]{64})\.(?:qcow2|verified\.json|packed\.qcow2|packed\.json)$/.exec(name)?.[1],
  );
  const stems = [...new Set(disks.filter((stem) => stem !== undefined)), ...(await abandonedLayers(layout))];
  await removeUnwanted(layout, stems);
}

async function removePartialFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const owner = /\.([0-9]+-[0-9]+-[0-9a-f]{12})\.partial$/.exec(name)?.[1];
    if (owner !== undefined && !(await isOwnerAlive(owner))) await rm(join(folder, name), { force: true });
  }
}
