import { BuilderFault } from '../../util/faults.ts';
import type { MachineImage } from '../image-store.ts';
import type { Layout } from './layout.ts';
import { readRecord } from './records.ts';

/** Deeper than any chain of builds on builds; a record that somebody edited could make a ring. */
const MAX_DEPTH = 1_000;

/** An image with those on whose disks it lies, the lowest first. */
export type ImageChain = readonly [MachineImage, ...MachineImage[]];

/** The image on whose disk this one lies, if any. */
export function baseOf({
  baseAmiId,
  parentAmiId,
}: Pick<MachineImage, 'baseAmiId' | 'parentAmiId'>): string | undefined {
  return baseAmiId ?? parentAmiId;
}

/** How many files the disk of the last of a chain consists of. */
export function filesOf(chain: readonly MachineImage[]): number {
  return chain.reduce((count, { layers = [] }) => count + layers.length + 1, 0);
}

/**
 * The image and those on whose disks it lies, the lowest first.
 * @throws BuilderFault when one of them has no record.
 */
export async function imageChain(layout: Layout, image: MachineImage): Promise<ImageChain> {
  const chain: [MachineImage, ...MachineImage[]] = [image];
  for (let base = baseOf(image); base !== undefined; base = baseOf(chain[0])) {
    const parent = await readRecord(layout, base);
    if (parent === undefined || chain.length > MAX_DEPTH) {
      throw new BuilderFault(`${image.amiId} (${image.name}) cannot be used: its parent ${base} is missing`, {
        hint: `Remove it with kiln rm ${image.amiId} and build it again.`,
      });
    }
    chain.unshift(parent);
  }
  return chain;
}
