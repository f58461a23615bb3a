import { rm } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { syncFolderOf } from './atomic-file.ts';
import { diskPath, isAmiId, type Layout, lockPath, recordPath, verifiedPath } from './layout.ts';
import { readRecords } from './records.ts';

/** Removes an image, and its disk when no other image has the same one. Succeeds when there is no such image. */
export async function removeImage(layout: Layout, amiId: string, signal: AbortSignal): Promise<void> {
  if (!isAmiId(amiId)) return;
  await using _lock = await lockFile(lockPath(layout, 'store'), signal);
  const images = await readRecords(layout);
  const image = images.find((candidate) => candidate.amiId === amiId);
  if (image === undefined) return;
  const children = images.filter(({ parentAmiId }) => parentAmiId === amiId);
  if (children.length > 0) {
    const names = children.map((child) => `${child.amiId} (${child.name})`).join(', ');
    throw new BuilderFault(`${amiId} (${image.name}) cannot be removed: other images are built on it: ${names}`, {
      hint: 'Remove those first.',
    });
  }
  await rm(recordPath(layout, amiId));
  await syncFolderOf(recordPath(layout, amiId));
  // In this order: a process killed here leaves a disk without a record, which the next start removes.
  if (images.some((other) => other !== image && other.digest === image.digest)) return;
  await rm(verifiedPath(layout, image.digest), { force: true });
  await rm(diskPath(layout, image.digest), { force: true });
}
