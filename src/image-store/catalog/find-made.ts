import { CATALOG_SOURCE_PREFIX, type ImageRecords, type MachineImage } from '../image-store.ts';

/** The machine image that was made of a catalogue entry last, if any. */
export async function findMade(
  imageStore: Pick<ImageRecords, 'list'>,
  name: string,
): Promise<MachineImage | undefined> {
  const source = `${CATALOG_SOURCE_PREFIX}${name}`;
  return (await imageStore.list()).filter((image) => image.source === source).at(-1);
}
