import type { BigIntStats } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import { CATALOG_SOURCE_PREFIX, type DiskLayer, type MachineImage } from '../image-store.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { sha256OfFile } from './disk-digest.ts';
import { diskPath, type Layout, ownerOfLayer, verifiedPath } from './layout.ts';
import { readRecords } from './records.ts';

/** What a file is for people, and what to do about one that is not whole. */
interface Whose {
  readonly name: string;
  readonly hint: string | (() => Promise<string>);
}

/**
 * Checks that a machine image's disk is there and has the content it had. Reading a whole disk takes seconds, so what
 * the file looked like when it was last read (inode, size, time of change) is remembered; any difference means that it
 * is read again.
 *
 * @throws BuilderFault that names the image, the file, and what is wrong.
 */
export async function verifyDisk(layout: Layout, image: MachineImage, signal?: AbortSignal): Promise<string> {
  const name = `The disk of ${image.amiId} (${image.name})`;
  const whose = { name, hint: () => howToMend(layout, image) };
  return verifyFile(layout, { stem: image.digest, digest: image.digest }, whose, signal);
}

/** As {@link verifyDisk}, for a layer. */
export async function verifyLayer(
  layout: Layout,
  layer: DiskLayer,
  whose: Whose,
  signal?: AbortSignal,
): Promise<string> {
  if (ownerOfLayer(layer.name) === undefined) throw new BuilderFault(`${whose.name} names no layer: ${layer.name}`);
  return verifyFile(layout, { stem: layer.name, digest: layer.digest }, whose, signal);
}

async function verifyFile(
  layout: Layout,
  { stem, digest }: { readonly stem: string; readonly digest: string },
  { name, hint }: Whose,
  signal: AbortSignal | undefined,
): Promise<string> {
  const file = diskPath(layout, stem);
  const before = await fingerprint(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return error;
  });
  if (before instanceof Error) {
    throw new BuilderFault(`${name} is missing`, { where: file, hint: await textOf(hint), cause: before });
  }
  if (before === (await remembered(layout, stem))) return file;
  const actual = await sha256OfFile(file, signal);
  if (actual !== digest) {
    await rm(verifiedPath(layout, stem), { force: true });
    throw new BuilderFault(`${name} is corrupt: its sha256 should be ${digest} and is ${actual}`, {
      where: file,
      hint: await textOf(hint),
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

/** More than that many are not named one by one. */
const MOST_NAMED = 4;

/** What to do about a disk that is not whole. Those that lie on it have lost what it held. */
export async function howToMend(layout: Layout, image: MachineImage): Promise<string> {
  const lost = await imagesOn(layout, image);
  const again = image.source.startsWith(CATALOG_SOURCE_PREFIX)
    ? 'it is made again when next needed'
    : 'then make it again';
  const commands = [...lost, image].map(({ amiId, source }) => `kiln rm ${source.startsWith('arn:') ? source : amiId}`);
  if (lost.length === 0) return `Put the file back from a backup, or remove the image with ${commands[0]}: ${again}.`;
  const left = commands.length - MOST_NAMED;
  const named = left > 0 ? [...commands.slice(0, MOST_NAMED - 1), `${left} more`, `${commands.at(-1)}`] : commands;
  return `Put the file back from a backup. Else what is built on it is lost as well: remove that first (${named.join(', ')}); ${again}.`;
}

async function textOf(hint: Whose['hint']): Promise<string> {
  return typeof hint === 'string' ? hint : await hint();
}

/** All images that lie on this one's disk, in an order in which they can be removed. */
async function imagesOn(layout: Layout, image: MachineImage): Promise<readonly MachineImage[]> {
  const images = await readRecords(layout);
  const found: MachineImage[] = [];
  let below = [image];
  while (below.length > 0) {
    const ids = new Set(below.map(({ amiId }) => amiId));
    below = images.filter(
      (each) => !found.includes(each) && each.parentAmiId !== undefined && ids.has(each.parentAmiId),
    );
    found.unshift(...below);
  }
  return found;
}
