import { BuilderFault } from '../../util/faults.ts';
import type { MachineImage } from '../image-store.ts';
import type { Layout } from './layout.ts';
import { readRecord } from './records.ts';

/** Deeper than any chain of builds on builds; a record that somebody edited could make a ring. */
const MAX_DEPTH = 1_000;

/**
 * The image and those it was built on, the lowest first.
 * @throws BuilderFault when one of them has no record.
 */
export async function imageChain(
  layout: Layout,
  image: MachineImage,
): Promise<readonly [MachineImage, ...MachineImage[]]> {
  const chain: [MachineImage, ...MachineImage[]] = [image];
  for (let { parentAmiId } = image; parentAmiId !== undefined; { parentAmiId } = chain[0]) {
    const parent = await readRecord(layout, parentAmiId);
    if (parent === undefined || chain.length > MAX_DEPTH) {
      throw new BuilderFault(`${image.amiId} (${image.name}) cannot be used: its parent ${parentAmiId} is missing`, {
        hint: `Remove it with kiln rm ${image.amiId} and build it again.`,
      });
    }
    chain.unshift(parent);
  }
  return chain;
}
