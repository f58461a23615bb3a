import type {
  CaptureRequest,
  Catalog,
  ImageDescription,
  ImageStore,
  MachineImage,
  ReuseRequest,
  StoreContext,
} from '../../image-store/image-store.ts';
import { BuilderFault } from '../../util/faults.ts';

/** Machine images without disks, for tests of the engine. */
export interface SimulatedImageStore extends ImageStore {
  readonly images: Map<string, MachineImage>;
  /** May throw or wait before an image is made or described, or when it is; what it throws is what the call throws. */
  readonly faults: {
    capture?: (request: CaptureRequest, context: StoreContext) => Promise<void>;
    captured?: (amiId: string) => Promise<void>;
    reuse?: (request: ReuseRequest, context: StoreContext) => Promise<void>;
    reused?: (amiId: string) => Promise<void>;
    describe?: (description: ImageDescription, context: StoreContext) => Promise<void>;
  };
}

export function simulatedImageStore(): SimulatedImageStore {
  const images = new Map<string, MachineImage>();
  const faults: SimulatedImageStore['faults'] = {};
  return {
    images,
    faults,
    get: async (amiId) => images.get(amiId),
    list: async () => [...images.values()],
    bootDisk: async (amiId) => {
      if (!images.has(amiId)) throw new BuilderFault(`The disk of ${amiId} is missing`);
      return { path: `/simulated/${amiId}.qcow2`, format: 'qcow2' };
    },
    capture: async (request, context) => {
      await faults.capture?.(request, context);
      context.signal.throwIfAborted();
      const { amiId, name, parentAmiId, tags, source, description, osVersion } = request;
      const image = simulatedImage({
        ...{ amiId, name, parentAmiId, tags, source },
        ...(description === undefined ? {} : { description }),
        ...(osVersion === undefined ? {} : { osVersion }),
        ...(request.layers === undefined ? {} : { layers: request.layers }),
        ...(request.made === undefined ? {} : { made: request.made }),
      });
      images.set(amiId, image);
      await faults.captured?.(amiId);
      return image;
    },
    reuse: async (request, context) => {
      await faults.reuse?.(request, context);
      const { of, amiId, name, description, tags, source, made } = request;
      const original = images.get(of);
      if (original === undefined) throw new BuilderFault(`The disk of ${of} is missing`);
      const { description: _, ...disk } = original;
      const said = { ...(description === undefined ? {} : { description }), ...(made === undefined ? {} : { made }) };
      const image = { ...disk, amiId, name, tags, source, ...said };
      images.set(amiId, image);
      await faults.reused?.(amiId);
      return image;
    },
    describe: async (amiId, description, context) => {
      await faults.describe?.(description, context);
      const original = images.get(amiId);
      if (original === undefined) throw new BuilderFault(`There is no image ${amiId}`);
      const image = { ...original, ...description };
      images.set(amiId, image);
      return image;
    },
    import: () => Promise.reject(new BuilderFault('not simulated')),
    export: () => Promise.reject(new BuilderFault('not simulated')),
    prepareExport: () => Promise.reject(new BuilderFault('not simulated')),
    remove: async (amiId) => {
      images.delete(amiId);
    },
  };
}

/** A catalogue of one image, `debian-server-12-x86`, which is in the store from the start. */
export function simulatedCatalog(store: SimulatedImageStore): Catalog {
  const base = simulatedImage({
    amiId: 'ami-00000000000000001',
    name: 'debian-server-12-x86',
    source: 'debian-server-12-x86',
  });
  store.images.set(base.amiId, base);
  const entry = {
    name: 'debian-server-12-x86',
    displayName: 'Debian 12',
    platform: 'Linux',
    osVersion: 'Debian GNU/Linux 12',
    architecture: 'x86_64',
    description: 'simulated',
    version: '2026.11.23',
    amiId: base.amiId,
    sources: [],
  } as const;
  return {
    list: async () => [entry],
    resolve: (name) => (name === entry.name ? entry : undefined),
    provide: async () => base,
  };
}

function simulatedImage(
  members: Pick<MachineImage, 'amiId' | 'name' | 'source'> & Partial<MachineImage>,
): MachineImage {
  return {
    platform: 'Linux',
    architecture: 'x86_64',
    digest: '0'.repeat(64),
    virtualSize: 1024,
    storedSize: 512,
    tags: {},
    createdAt: '2026-11-23T00:00:00.000Z',
    ...members,
  };
}
