import type { MachineImage } from '../image-store.ts';
import { type ImageChain, imageChain } from './image-chain.ts';
import type { Layout } from './layout.ts';
import { howToMend, verifyDisk, verifyLayer } from './verified-disk.ts';

/**
 * Checks the disk of an image and those that it lies on, and gives them all.
 * @throws BuilderFault for the first that is missing or changed.
 */
export async function verifyChain(layout: Layout, image: MachineImage, signal?: AbortSignal): Promise<ImageChain> {
  await verifyImage(layout, image, signal);
  const chain = await imageChain(layout, image);
  for (const parent of chain.slice(0, -1).toReversed()) await verifyImage(layout, parent, signal);
  return chain;
}

async function verifyImage(layout: Layout, image: MachineImage, signal: AbortSignal | undefined): Promise<void> {
  await verifyDisk(layout, image, signal);
  const name = `A layer of the disk of ${image.amiId} (${image.name})`;
  const whose = { name, hint: () => howToMend(layout, image) };
  for (const layer of image.layers ?? []) await verifyLayer(layout, layer, whose, signal);
}
