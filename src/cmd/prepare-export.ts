import { parseArn } from '../contract/arn.ts';
import { findMade } from '../image-store/catalog/find-made.ts';
import type { ImageStore, MachineImage } from '../image-store/image-store.ts';
import type { Disks } from './open-disks.ts';

/**
 * Makes exports of images that are built on a parent image fast, when that is in the image store, and there is room on the disk.
 * @param parentImage As recipes name it: an ARN or an AMI id.
 */
export async function prepareExport(
  { imageStore, checkpoints }: Pick<Disks, 'imageStore' | 'checkpoints'>,
  parentImage: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await checkpoints.paused()) !== undefined) return;
  const parent = await findParent(imageStore, parentImage);
  if (parent !== undefined) await imageStore.prepareExport(parent.amiId, signal);
}

/** The image that the service is most likely to build on. Another one does no harm: it is made ready in vain. */
async function findParent(imageStore: ImageStore, parentImage: string): Promise<MachineImage | undefined> {
  const arn = parseArn(parentImage);
  if (arn === undefined) return imageStore.get(parentImage);
  if (arn.owner === 'aws') return findMade(imageStore, arn.slug);
  return (await imageStore.list()).findLast(({ source }) => parseArn(source)?.slug === arn.slug);
}
