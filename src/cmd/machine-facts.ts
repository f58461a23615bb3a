import { CPU_MODELS } from '../build-host/qemu/qemu-command.ts';
import type { Config } from './config.ts';
import { hostCapacity } from './host-capacity.ts';

/** What of the machines of this host may show in the disks that they build. */
export function machineFacts({ instanceTypes }: Config): string {
  return JSON.stringify({ host: hostCapacity(), instanceTypes, cpuModels: CPU_MODELS });
}
