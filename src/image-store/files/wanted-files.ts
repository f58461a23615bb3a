import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnerAlive } from '../../util/process-identity.ts';
import type { DiskLayer } from '../image-store.ts';
import { readCheckpoints } from './checkpoint-records.ts';
import {
  diskPath,
  type Layout,
  machinePath,
  ownerOfLayer,
  packedPath,
  packedRecordPath,
  verifiedPath,
} from './layout.ts';
import { readRecords } from './records.ts';

/** The names (digests, names of layers) of all disk files that a machine image, a checkpoint or a lease names. */
export async function wantedFiles(layout: Layout): Promise<ReadonlySet<string>> {
  const images = await readRecords(layout);
  const checkpoints = await readCheckpoints(layout);
  const layers = [...images.flatMap((image) => image.layers ?? []), ...checkpoints.flatMap((one) => one.layers)];
  return new Set([
    ...images.map(({ digest }) => digest),
    ...layers.map(({ name }) => name),
    ...(await leasedLayers(layout)),
  ]);
}

/** The layers whose machine a checkpoint or a lease wants. */
async function wantedMachines(layout: Layout): Promise<ReadonlySet<string>> {
  const kept = (await readCheckpoints(layout)).filter(({ hasMachine }) => hasMachine === true);
  return new Set([...kept.flatMap(({ layers }) => layers.at(-1)?.name ?? []), ...(await leasedLayers(layout))]);
}

/** Names of layers that builds of living processes work on. */
export async function leasedLayers(layout: Layout): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const file of await readdir(layout.leases)) {
    if (!(await isOwnerAlive(file.replace(/\.json$/, '')))) continue;
    // Gone in the meantime: let go of.
    const text = await readFile(join(layout.leases, file), 'utf8').catch(() => '[]');
    for (const name of JSON.parse(text) as readonly string[]) names.add(name);
  }
  return names;
}

/** Removes those of the files that nothing wants. Call with the store locked. */
export async function removeUnwanted(layout: Layout, stems: Iterable<string>): Promise<void> {
  const [wanted, machines] = await Promise.all([wantedFiles(layout), wantedMachines(layout)]);
  for (const stem of stems) {
    // An image may need the layer, but never the memory of the machine whose disk it was.
    if (ownerOfLayer(stem) !== undefined && !machines.has(stem)) {
      await rm(machinePath(layout, stem), { recursive: true, force: true });
    }
    if (wanted.has(stem)) continue;
    await rm(verifiedPath(layout, stem), { force: true });
    await rm(packedRecordPath(layout, stem), { force: true });
    await rm(packedPath(layout, stem), { force: true });
    await rm(diskPath(layout, stem), { force: true });
  }
}

/** Names of layers of processes that are gone, wanted or not. */
export async function abandonedLayers(layout: Layout): Promise<readonly string[]> {
  const abandoned: string[] = [];
  for (const file of await readdir(layout.disks)) {
    const stem = file.replace(/\.(?:qcow2|machine|verified\.json)$/, '');
    const owner = ownerOfLayer(stem);
    if (owner !== undefined && !(await isOwnerAlive(owner))) abandoned.push(stem);
  }
  return [...new Set(abandoned)];
}

export function namesOf(layers: readonly DiskLayer[]): readonly string[] {
  return layers.map(({ name }) => name);
}
