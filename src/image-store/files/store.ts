import { type Clock, systemClock } from '../../util/clock.ts';
import { BuilderFault } from '../../util/faults.ts';
import type { ImageStore } from '../image-store.ts';
import { capture } from './capture.ts';
import { describeImage } from './describe.ts';
import { exportDisk } from './export.ts';
import { imageChain } from './image-chain.ts';
import { importDisk } from './import.ts';
import { diskPath, makeLayout } from './layout.ts';
import { packDisk } from './packed-disk.ts';
import { readRecord, readRecords } from './records.ts';
import { removeImage } from './remove.ts';
import { reuseImage } from './reuse.ts';
import { storageFault } from './storage-fault.ts';
import { sweep } from './sweep.ts';
import { verifyChain } from './verify-chain.ts';

export interface ImageStoreOptions {
  /** The store's folder; made when missing. */
  readonly folder: string;
  readonly clock?: Clock;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

/**
 * Opens an image store kept in files (layout.ts says where). Several processes may have one store open; there is
 * nothing to close. What killed processes left behind is removed first.
 */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const clock = options.clock ?? systemClock;
  const never = new AbortController().signal;
  const layout = await makeLayout(options.folder).catch((error: unknown) => {
    throw storageFault(error, 'Opening the image store', options.folder);
  });
  await sweep(layout, options.signal ?? never);
  return {
    get: (amiId) => readRecord(layout, amiId),
    list: () => readRecords(layout),
    async bootDisk(amiId) {
      const image = await readRecord(layout, amiId);
      if (image === undefined) {
        throw new BuilderFault(`There is no machine image ${amiId} in the image store`, {
          where: layout.root,
          hint: 'kiln images lists those that are there.',
        });
      }
      await verifyChain(layout, image);
      return { path: diskPath(layout, image.digest), format: 'qcow2' };
    },
    capture: (request, context) => capture(layout, clock, request, context),
    reuse: (request, context) => reuseImage(layout, clock, request, context),
    describe: (amiId, description, context) => describeImage(layout, amiId, description, context),
    import: (request, context) => importDisk(layout, clock, request, context),
    export: (amiId, file, format, context) => exportDisk(layout, amiId, file, format, context),
    prepareExport: async (amiId, signal) => {
      const image = await readRecord(layout, amiId);
      if (image === undefined) return;
      const [root] = await imageChain(layout, image);
      await packDisk(layout, root, signal);
    },
    remove: (amiId) => removeImage(layout, amiId, never),
  };
}
