import type { Clock } from '../../util/clock.ts';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import type { MachineImage, ReuseRequest, StoreContext } from '../image-store.ts';
import { isAmiId, type Layout, lockPath } from './layout.ts';
import { readRecord, writeRecord } from './records.ts';
import { storageFault } from './storage-fault.ts';
import { verifyChain } from './verify-chain.ts';

/** Makes a second machine image of a disk that is there. What is the disk's stays; name, tags and source are its own. */
export async function reuseImage(
  layout: Layout,
  clock: Clock,
  { of, amiId, name, description, tags, source, made }: ReuseRequest,
  { signal }: StoreContext,
): Promise<MachineImage> {
  const action = `Reuse of ${of}`;
  if (!isAmiId(amiId)) throw new BuilderFault(`${action} failed: ${amiId} is not an AMI id`);
  try {
    await using _lock = await lockFile(lockPath(layout, 'store'), signal);
    const original = await readRecord(layout, of);
    if (original === undefined) throw new BuilderFault(`${action} failed: there is no such image`);
    await verifyChain(layout, original, signal);
    const { description: _, made: __, ...disk } = original;
    const image: MachineImage = {
      ...disk,
      ...{ amiId, name, tags, source, createdAt: clock.now().toISOString() },
      ...(description === undefined ? {} : { description }),
      ...(made === undefined ? {} : { made }),
    };
    await writeRecord(layout, image);
    return image;
  } catch (error) {
    signal.throwIfAborted();
    throw storageFault(error, action, layout.root);
  }
}
