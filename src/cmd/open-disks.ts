import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { autoHost } from '../build-host/auto/auto-host.ts';
import type { BuildHost } from '../build-host/build-host.ts';
import { directHost } from '../build-host/direct/direct-host.ts';
import type { HostCapacity } from '../build-host/qemu/instance-types.ts';
import { qemuHost } from '../build-host/qemu/qemu-host.ts';
import { openCatalog } from '../image-store/catalog/catalog.ts';
import type { CheckpointStore } from '../image-store/checkpoint-store.ts';
import { openCheckpointStore } from '../image-store/files/checkpoints.ts';
import { openImageStore } from '../image-store/files/store.ts';
import type { Catalog, ImageStore } from '../image-store/image-store.ts';
import type { Config } from './config.ts';

/** The image store of a home and what fills it. Several processes may have it open. */
export interface Disks {
  readonly imageStore: ImageStore;
  readonly catalog: Catalog;
  readonly checkpoints: CheckpointStore;
}

const GIB = 2 ** 30;
/** What checkpoints leave to builds. */
const MIN_FREE_BYTES = 4 * GIB;

export async function openDisks(config: Config): Promise<Disks> {
  const imageStore = await openImageStore({ folder: config.home.images });
  return {
    imageStore,
    catalog: openCatalog({ imageStore, folder: config.home.images }),
    checkpoints: await openCheckpoints(config),
  };
}

export function openCheckpoints(config: Config): Promise<CheckpointStore> {
  const limitBytes = config.cacheSizeGiB * GIB;
  return openCheckpointStore({ folder: config.home.images, limitBytes, minFreeBytes: MIN_FREE_BYTES });
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

/** What this machine has for instances. */
export function hostCapacity(): HostCapacity {
  return { cpus: availableParallelism(), memoryMiB: Math.floor(totalmem() / 1024 / 1024) };
}

/** All drivers of a service. */
export async function openMachinery(
  config: Config,
): Promise<Disks & { readonly buildHost: BuildHost } & AsyncDisposable> {
  const disks = await openDisks(config);
  const buildHost = openBuildHost(config);
  return { ...disks, buildHost, [Symbol.asyncDispose]: () => buildHost[Symbol.asyncDispose]() };
}
