import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/**
 * Where things are in an image store:
 *
 * - `disks/SHA256.qcow2`: disks by content, read-only. A disk names its parent's file relative to itself, so that the
 *   store can be moved.
 * - `disks/SHA256.verified.json`: what the file looked like when its content was last read in full.
 * - `amis/AMI-ID.json`: machine images.
 * - `temporary/PROCESS-xxxxxx/`: work in progress, removed when its process is gone.
 * - `locks/NAME.lock`: never removed.
 */
export interface Layout {
  readonly root: string;
  readonly disks: string;
  readonly amis: string;
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
    temporary: join(root, 'temporary'),
    locks: join(root, 'locks'),
  };
  for (const folder of Object.values(layout)) await mkdir(folder, { recursive: true, mode: 0o700 });
  return layout;
}

const AMI_ID = /^ami-[0-9a-f]{17}$/;

/** Whether the text is an AMI id; everything else may not become part of a path. */
export function isAmiId(text: string): boolean {
  return AMI_ID.test(text);
}

export function diskName(digest: string): string {
  return `${digest}.qcow2`;
}

export function diskPath(layout: Layout, digest: string): string {
  return join(layout.disks, diskName(digest));
}

export function verifiedPath(layout: Layout, digest: string): string {
  return join(layout.disks, `${digest}.verified.json`);
}

export function recordPath(layout: Layout, amiId: string): string {
  return join(layout.amis, `${amiId}.json`);
}

export function lockPath(layout: Layout, name: string): string {
  return join(layout.locks, `${name}.lock`);
}
