import { rm } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { syncFolderOf } from './atomic-file.ts';
import { readCheckpoints } from './checkpoint-records.ts';
import { baseOf } from './image-chain.ts';
import { checkpointPath, isAmiId, type Layout, lockPath, recordPath } from './layout.ts';
import { readRecords } from './records.ts';
import { namesOf, removeUnwanted } from './wanted-files.ts';

/**
 * Removes an image, its disk when no other image has the same one, and the checkpoints on it. Succeeds when there is no
 * such image.
 */
export async function removeImage(layout: Layout, amiId: string, signal: AbortSignal): Promise<void> {
  if (!isAmiId(amiId)) return;
  await using _lock = await lockFile(lockPath(layout, 'store'), signal);
  const images = await readRecords(layout);
  const image = images.find((candidate) => candidate.amiId === amiId);
  if (image === undefined) return;
  const children = images.filter((candidate) => baseOf(candidate) === amiId);
  if (children.length > 0) {
    const names = children.map((child) => `${child.amiId} (${child.name})`).join(', ');
    throw new BuilderFault(`${amiId} (${image.name}) cannot be removed: other images are built on it: ${names}`, {
      hint: 'Remove those first.',
    });
  }
  await rm(recordPath(layout, amiId));
  await syncFolderOf(recordPath(layout, amiId));
  // In this order: a process killed here leaves a disk without a record, which the next start removes.
  const checkpoints = (await readCheckpoints(layout)).filter(({ parentAmiId }) => parentAmiId === amiId);
  for (const { key } of checkpoints) await rm(checkpointPath(layout, key), { force: true });
  const layers = [...(image.layers ?? []), ...checkpoints.flatMap((checkpoint) => checkpoint.layers)];
  await removeUnwanted(layout, [image.digest, ...namesOf(layers)]);
}
