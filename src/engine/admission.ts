import type { ImageRow } from '../state/find-resource.ts';
import type { WorkerCapacity } from '../state/tables.ts';

/** What one build takes of its worker. */
export type BuildDemand = Omit<WorkerCapacity, 'builds'>;

export type QueuedImage = Pick<ImageRow, 'arn' | 'infrastructure_configuration' | 'image_recipe'>;

/** What a worker has for builds. */
export interface WorkerRoom {
  /** All of it, whatever runs now. */
  capacity(): Promise<WorkerCapacity>;
  demandOf(image: QueuedImage): BuildDemand;
}

/**
 * Which of the images that wait are begun now, the first ones first. One that this worker can never take is left to others;
 * one for which there is no room yet keeps those behind it waiting, so that a large build is not overtaken for ever.
 */
export function admit<Image extends QueuedImage>(
  waiting: readonly Image[],
  running: readonly BuildDemand[],
  capacity: WorkerCapacity,
  demandOf: (image: Image) => BuildDemand,
): readonly { readonly image: Image; readonly demand: BuildDemand }[] {
  const admitted: { image: Image; demand: BuildDemand }[] = [];
  let free = running.reduce(take, capacity);
  for (const image of waiting) {
    const demand = demandOf(image);
    if (!fits(demand, capacity)) continue;
    if (free.builds < 1 || !fits(demand, free)) break;
    free = take(free, demand);
    admitted.push({ image, demand });
  }
  return admitted;
}

function fits(demand: BuildDemand, room: BuildDemand): boolean {
  return demand.vcpus <= room.vcpus && demand.memoryMiB <= room.memoryMiB && demand.diskMiB <= room.diskMiB;
}

function take(room: WorkerCapacity, demand: BuildDemand): WorkerCapacity {
  return {
    builds: room.builds - 1,
    vcpus: room.vcpus - demand.vcpus,
    memoryMiB: room.memoryMiB - demand.memoryMiB,
    diskMiB: room.diskMiB - demand.diskMiB,
  };
}
