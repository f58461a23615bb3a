import { statfs } from 'node:fs/promises';
import type { InfrastructureConfiguration } from '@aws-sdk/client-imagebuilder';
import {
  DEFAULT_INSTANCE_TYPES,
  type HostCapacity,
  type InstanceTypeTable,
  shapeFor,
} from '../build-host/qemu/instance-types.ts';
import type { WorkerRoom } from '../engine/admission.ts';

export interface RoomOptions {
  /** Most builds at a time, whatever the machine has. */
  readonly concurrency: number;
  readonly host: HostCapacity;
  /** As the build host has them. */
  readonly instanceTypes: InstanceTypeTable;
  /** A folder on the file system of the instances. */
  readonly folder: string;
}

/** What the overlay of a build usually comes to; a full disk ends the build with a clear error all the same. */
const DISK_MIB_PER_BUILD = 2048;

/** vCPUs and memory as the build host gives them to the instance, and what is free on the disk. */
export function workerRoom({ concurrency, host, instanceTypes, folder }: RoomOptions): WorkerRoom {
  const table = { ...DEFAULT_INSTANCE_TYPES, ...instanceTypes };
  return {
    capacity: async () => {
      const { bavail, bsize } = await statfs(folder);
      const diskMiB = Math.floor((bavail * bsize) / 1024 ** 2);
      return { builds: concurrency, vcpus: host.cpus, memoryMiB: host.memoryMiB, diskMiB };
    },
    demandOf: ({ infrastructure_configuration: infrastructure }) => {
      const { instanceTypes: wanted = [] } = infrastructure as InfrastructureConfiguration;
      // Types that nobody knows fail the build at its launch, which says so.
      const { vcpus, memoryMiB } = shapeFor(wanted, table, host) ?? { vcpus: 0, memoryMiB: 0 };
      return { vcpus, memoryMiB, diskMiB: DISK_MIB_PER_BUILD };
    },
  };
}
