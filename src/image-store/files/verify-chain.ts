import { BuilderFault } from '../../util/faults.ts';
import type { MachineImage } from '../image-store.ts';
import type { Layout } from './layout.ts';
import { readRecord } from './records.ts';
import { howToMend, verifyDisk, verifyLayer } from './verified-disk.ts';

/** Deeper than any chain of builds on builds; a record that somebody edited could make a ring. */
const MAX_DEPTH = 1_000;

/**
 * Checks the disk of an image and those of all its parents, and gives the path of its own.
 * @throws BuilderFault for the first that is missing or changed.
 */
export async function verifyChain(layout: Layout, image: MachineImage, signal?: AbortSignal): Promise<string> {
  const path = await verifyDisk(layout, image, signal);
  await verifyLayers(layout, image, signal);
  let child = image;
  for (let depth = 0; child.parentAmiId !== undefined; depth++) {
    const parent = await readRecord(layout, child.parentAmiId);
    if (parent === undefined || depth === MAX_DEPTH) {
      throw new BuilderFault(
        `${image.amiId} (${image.name}) cannot be used: its parent ${child.parentAmiId} is missing`,
        {
          hint: `Remove it with kiln rm ${image.amiId} and build it again.`,
        },
      );
    }
    await verifyDisk(layout, parent, signal);
    await verifyLayers(layout, parent, signal);
    child = parent;
  }
  return path;
}

async function verifyLayers(layout: Layout, image: MachineImage, signal: AbortSignal | undefined): Promise<void> {
  const whose = { name: `A layer of the disk of ${image.amiId} (${image.name})`, hint: howToMend(image) };
  for (const layer of image.layers ?? []) await verifyLayer(layout, layer, whose, signal);
}
