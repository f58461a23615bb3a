import { availableParallelism, totalmem } from 'node:os';
import type { HostCapacity } from '../build-host/qemu/instance-types.ts';

/** What this machine has for instances. */
export function hostCapacity(): HostCapacity {
  return { cpus: availableParallelism(), memoryMiB: Math.floor(totalmem() / 1024 / 1024) };
}
