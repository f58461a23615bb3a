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

/** What builds take of the worker now. */
export interface Occupied {
  /** Those that run on it. */
  readonly running: readonly BuildDemand[];
  /** MiB of memory that instances of other builds hold, by the image. */
  readonly held: ReadonlyMap<string, number>;
}

export interface Admitted<Image> {
  readonly image: Image;
  readonly demand: BuildDemand;
}

/**
 * Which of the images that wait are begun now, the first ones first. One that this worker can never take is left to others;
 * one for which there is no room yet keeps those behind it waiting, so that a large build is not overtaken for ever.
 */
export function admit<Image extends QueuedImage>(
  waiting: readonly Image[],
  { running, held }: Occupied,
  capacity: WorkerCapacity,
  demandOf: (image: Image) => BuildDemand,
): readonly Admitted<Image>[] {
  const admitted: Admitted<Image>[] = [];
  let free = running.reduce(take, { ...capacity, memoryMiB: capacity.memoryMiB - total(held) });
  for (const image of waiting) {
    const demand = demandOf(image);
    if (!fits(demand, capacity)) continue;
    // A build that was parked goes on in what its instance holds.
    const added = { ...demand, memoryMiB: Math.max(0, demand.memoryMiB - (held.get(image.arn) ?? 0)) };
    if (free.builds < 1 || !fits(added, free)) break;
    free = take(free, added);
    admitted.push({ image, demand });
  }
  return admitted;
}

/**
 * The first image that lacks nothing but room on the disk. How much a build takes of that is a guess: on a worker with
 * nothing else to do, when no other has the room, it is better begun than left without a word. A full disk ends it with one.
 */
export function admitInSpiteOfDisk<Image extends QueuedImage>(
  waiting: readonly Image[],
  { held }: Pick<Occupied, 'held'>,
  capacity: WorkerCapacity,
  demandOf: (image: Image) => BuildDemand,
): Admitted<Image> | undefined {
  const free = { ...capacity, memoryMiB: capacity.memoryMiB - total(held) };
  const demands = waiting.map((image) => ({ image, demand: demandOf(image) }));
  return demands.find(({ demand }) => !fits(demand, capacity) && fits({ ...demand, diskMiB: 0 }, free));
}

/** MiB. */
export function total(held: ReadonlyMap<string, number>): number {
  return [...held.values()].reduce((sum, memoryMiB) => sum + memoryMiB, 0);
}

export function fits(demand: BuildDemand, room: BuildDemand): boolean {
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
