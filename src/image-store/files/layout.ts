import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/**
 * Where things are in an image store:
 *
 * - `disks/SHA256.qcow2`: disks by content, read-only. A disk names its parent's file relative to itself, so that the
 *   store can be moved.
 * - `disks/layer-PROCESS-xxxxxx.qcow2`: frozen overlays of builds, read-only once they are sealed, named like the
 *   process that made them. Records know their digest.
 * - `disks/layer-….machine/`: the memory of the machine whose disk the layer was, and what else it was.
 * - `disks/*.verified.json`: what the file looked like when its content was last read in full.
 * - `disks/SHA256.packed.qcow2`: the compressed form of a disk that lies on no other (packed-disk.ts), and what that file looked like
 *   when it was whole, `.packed.json`.
 * - `checkpoints/KEY.json`: checkpoints; the time of the last change of the file is that of its last use.
 * - `exports/SHA256-OF-PATH.json`: files outside the store that were written from it, and what they looked like then.
 * - `leases/PROCESS-xxxxxx.json`: layers that a build of that process works on.
 * - `amis/AMI-ID.json`: machine images.
 * - `temporary/PROCESS-xxxxxx/`: work in progress, removed when its process is gone.
 * - `locks/NAME.lock`: never removed.
 */
export interface Layout {
  readonly root: string;
  readonly disks: string;
  readonly amis: string;
  readonly checkpoints: string;
  readonly leases: string;
  readonly exports: string;
  readonly temporary: string;
  readonly locks: string;
}

/** Makes the folders that are missing, for their owner alone: guests keep secrets on their disks. */
export async function makeLayout(directory: string): Promise<Layout> {
  const root = resolve(directory);
  const layout: Layout = {
    root,
    disks: join(root, 'disks'),
    amis: join(root, 'amis'),
    checkpoints: join(root, 'checkpoints'),
    leases: join(root, 'leases'),
    exports: join(root, 'exports'),
    temporary: join(root, 'temporary'),
    locks: join(root, 'locks'),
  };
  await Promise.all(Object.values(layout).map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
  return layout;
}

const AMI_ID = /^ami-[0-9a-f]{17}$/;

/** Whether the text is an AMI id; everything else may not become part of a path. */
export function isAmiId(text: string): boolean {
  return AMI_ID.test(text);
}

/** @param stem A digest or the name of a layer. */
export function diskName(stem: string): string {
  return `${stem}.qcow2`;
}

export function diskPath(layout: Layout, digest: string): string {
  return join(layout.disks, diskName(digest));
}

/** @param stem A digest or the name of a layer. */
export function verifiedPath(layout: Layout, stem: string): string {
  return join(layout.disks, `${stem}.verified.json`);
}

/** The compressed form of a disk. */
export function packedPath(layout: Layout, digest: string): string {
  return join(layout.disks, `${digest}.packed.qcow2`);
}

export function packedRecordPath(layout: Layout, digest: string): string {
  return join(layout.disks, `${digest}.packed.json`);
}

const LAYER = /^layer-([0-9]+-[0-9]+-[0-9a-f]{12})$/;

/** The process that made a layer, as process-identity.ts writes it; undefined for what is no name of a layer. */
export function ownerOfLayer(name: string): string | undefined {
  return LAYER.exec(name)?.[1];
}

export function layerPath(layout: Layout, name: string): string {
  if (!LAYER.test(name)) throw new Error(`'${name}' is no name of a layer`);
  return join(layout.disks, diskName(name));
}

/** The folder of the machine whose disk a layer was. */
export function machinePath(layout: Layout, name: string): string {
  if (!LAYER.test(name)) throw new Error(`'${name}' is no name of a layer`);
  return join(layout.disks, `${name}.machine`);
}

const KEY = /^[0-9a-f]{64}$/;

/** Whether the text is a key of a checkpoint; everything else may not become part of a path. */
export function isCheckpointKey(text: string): boolean {
  return KEY.test(text);
}

export function checkpointPath(layout: Layout, key: string): string {
  if (!KEY.test(key)) throw new Error(`'${key}' is no key of a checkpoint`);
  return join(layout.checkpoints, `${key}.json`);
}

export function recordPath(layout: Layout, amiId: string): string {
  return join(layout.amis, `${amiId}.json`);
}

export function lockPath(layout: Layout, name: string): string {
  return join(layout.locks, `${name}.lock`);
}
