import { join } from 'node:path';
import { autoHost } from '../build-host/auto/auto-host.ts';
import type { BuildHost } from '../build-host/build-host.ts';
import { directHost } from '../build-host/direct/direct-host.ts';
import { qemuHost } from '../build-host/qemu/qemu-host.ts';
import { openCatalog } from '../image-store/catalog/catalog.ts';
import type { CheckpointStore } from '../image-store/checkpoint-store.ts';
import { openImageStore } from '../image-store/files/store.ts';
import type { Catalog, ImageStore } from '../image-store/image-store.ts';
import type { Config } from './config.ts';
import { hostCapacity } from './host-capacity.ts';
import { openCheckpoints } from './open-checkpoints.ts';

/** The image store of a home and what fills it. Several processes may have it open. */
export interface Disks {
  readonly imageStore: ImageStore;
  readonly catalog: Catalog;
  readonly checkpoints: CheckpointStore;
}

export async function openDisks(config: Config): Promise<Disks> {
  const imageStore = await openImageStore({ folder: config.home.images });
  return {
    imageStore,
    catalog: openCatalog({ imageStore, folder: config.home.images }),
    checkpoints: await openCheckpoints(config),
  };
}

/** The machines of a home. Whoever opens it disposes of it; machines go on, mounted disks do not. */
export function openBuildHost(config: Config): BuildHost & AsyncDisposable {
  const common = {
    capacity: hostCapacity(),
    instanceTypes: config.instanceTypes,
  };
  return autoHost({
    direct: directHost({ ...common, instancesFolder: config.home.mounted }),
    vm: qemuHost({
      ...common,
      instancesFolder: config.home.instances,
      cacheFolder: join(config.home.path, 'cache'),
    }),
  });
}

/** All drivers of a service. */
export async function openMachinery(
  config: Config,
): Promise<Disks & { readonly buildHost: BuildHost } & AsyncDisposable> {
  const disks = await openDisks(config);
  const buildHost = openBuildHost(config);
  return { ...disks, buildHost, [Symbol.asyncDispose]: () => buildHost[Symbol.asyncDispose]() };
}
