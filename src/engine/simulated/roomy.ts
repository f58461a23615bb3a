import type { WorkerRoom } from '../admission.ts';

/** Takes as many builds at a time as there are. */
export const ROOMY: WorkerRoom = {
  capacity: async () => ({ builds: 1000, vcpus: 1000, memoryMiB: 1_000_000, diskMiB: 1_000_000 }),
  demandOf: () => ({ vcpus: 1, memoryMiB: 1, diskMiB: 1 }),
};
