import type { BigIntStats } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import { CATALOG_SOURCE_PREFIX, type DiskLayer, type MachineImage } from '../image-store.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { sha256OfFile } from './disk-digest.ts';
import { diskPath, type Layout, ownerOfLayer, verifiedPath } from './layout.ts';

/**
 * Checks that a machine image's disk is there and has the content it had. Reading a whole disk takes seconds, so what
 * the file looked like when it was last read (inode, size, time of change) is remembered; any difference means that it
 * is read again.
 *
 * @throws BuilderFault that names the image, the file, and what is wrong.
 */
export async function verifyDisk(layout: Layout, image: MachineImage, signal?: AbortSignal): Promise<string> {
  const whose = { name: `The disk of ${image.amiId} (${image.name})`, hint: howToMend(image) };
  return verifyFile(layout, { stem: image.digest, digest: image.digest }, whose, signal);
}

/** As {@link verifyDisk}, for a layer. */
export async function verifyLayer(
  layout: Layout,
  layer: DiskLayer,
  whose: { readonly name: string; readonly hint: string },
  signal?: AbortSignal,
): Promise<string> {
  if (ownerOfLayer(layer.name) === undefined) throw new BuilderFault(`${whose.name} names no layer: ${layer.name}`);
  return verifyFile(layout, { stem: layer.name, digest: layer.digest }, whose, signal);
}

async function verifyFile(
  layout: Layout,
  { stem, digest }: { readonly stem: string; readonly digest: string },
  { name, hint }: { readonly name: string; readonly hint: string },
  signal: AbortSignal | undefined,
): Promise<string> {
  const file = diskPath(layout, stem);
  const before = await fingerprint(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new BuilderFault(`${name} is missing`, { where: file, hint, cause: error });
  });
  if (before === (await remembered(layout, stem))) return file;
  const actual = await sha256OfFile(file, signal);
  if (actual !== digest) {
    await rm(verifiedPath(layout, stem), { force: true });
    throw new BuilderFault(`${name} is corrupt: its sha256 should be ${digest} and is ${actual}`, {
      where: file,
      hint,
    });
  }
  await rememberVerified(layout, stem, before);
  return file;
}

/** Notes that the disk had its content just now, when `seen` is what it looked like before it was read. */
export async function rememberVerified(layout: Layout, stem: string, seen: string): Promise<void> {
  await writeFileAtomic(verifiedPath(layout, stem), `${seen}\n`);
}

/** What a file looks like from outside, as one line of JSON. */
export async function fingerprint(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs }: BigIntStats = await stat(file, { bigint: true });
  return JSON.stringify({ dev: `${dev}`, ino: `${ino}`, size: `${size}`, mtimeNs: `${mtimeNs}` });
}

async function remembered(layout: Layout, stem: string): Promise<string | undefined> {
  return (await readFile(verifiedPath(layout, stem), 'utf8').catch(() => undefined))?.trimEnd();
}

/** What to do about a disk that is not whole. */
export function howToMend(image: MachineImage): string {
  return image.source.startsWith(CATALOG_SOURCE_PREFIX)
    ? `Remove it with kiln rm ${image.amiId}; it is made again when next needed.`
    : `Put the file back from a backup, or remove the image with kiln rm ${image.amiId} and make it again.`;
}
