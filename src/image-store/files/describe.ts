import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import type { ImageDescription, MachineImage, StoreContext } from '../image-store.ts';
import { type Layout, lockPath } from './layout.ts';
import { readRecord, writeRecord } from './records.ts';
import { storageFault } from './storage-fault.ts';

/** Changes what is said of a machine image; its disk stays. */
export async function describeImage(
  layout: Layout,
  amiId: string,
  description: ImageDescription,
  { signal }: StoreContext,
): Promise<MachineImage> {
  const action = `Change of ${amiId}`;
  try {
    await using _lock = await lockFile(lockPath(layout, 'store'), signal);
    const image = await readRecord(layout, amiId);
    if (image === undefined) throw new BuilderFault(`${action} failed: there is no such image`);
    const changed = { ...image, ...description };
    await writeRecord(layout, changed);
    return changed;
  } catch (error) {
    signal.throwIfAborted();
    throw storageFault(error, action, layout.root);
  }
}
