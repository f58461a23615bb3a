import { cpus } from 'node:os';
import { DEFAULT_INSTANCE_TYPES, shapeFor } from '../build-host/qemu/instance-types.ts';
import { CPU_MODELS } from '../build-host/qemu/qemu-command.ts';
import type { MachineFacts } from '../engine/checkpoints/build-ground.ts';
import type { Config } from './config.ts';
import { hostCapacity } from './host-capacity.ts';

/** What of this host and of its machines may show in the disks that they build. */
export function machineFacts({ instanceTypes }: Pick<Config, 'instanceTypes'>): MachineFacts {
  const table = { ...DEFAULT_INSTANCE_TYPES, ...instanceTypes };
  const capacity = hostCapacity();
  return {
    hostCpu: cpus()[0]?.model ?? '',
    machineFor: (types) => JSON.stringify({ shape: shapeFor(types, table, capacity), cpuModels: CPU_MODELS }),
  };
}
