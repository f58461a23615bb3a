import type { BigIntStats } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import { CATALOG_SOURCE_PREFIX, type MachineImage } from '../image-store.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { sha256OfFile } from './disk-digest.ts';
import { diskPath, type Layout, verifiedPath } from './layout.ts';

/**
 * Checks that a machine image's disk is there and has the content it had. Reading a whole disk takes seconds, so what
 * the file looked like when it was last read (inode, size, time of change) is remembered; any difference means that it
 * is read again.
 *
 * @throws BuilderFault that names the image, the file, and what is wrong.
 */
export async function verifyDisk(layout: Layout, image: MachineImage, signal?: AbortSignal): Promise<string> {
  const file = diskPath(layout, image.digest);
  const before = await fingerprint(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new BuilderFault(`The disk of ${image.amiId} (${image.name}) is missing`, {
      where: file,
      hint: howToMend(image),
      cause: error,
    });
  });
  if (before === (await remembered(layout, image.digest))) return file;
  const actual = await sha256OfFile(file, signal);
  if (actual !== image.digest) {
    await rm(verifiedPath(layout, image.digest), { force: true });
    throw new BuilderFault(
      `The disk of ${image.amiId} (${image.name}) is corrupt: its sha256 should be ${image.digest} and is ${actual}`,
      { where: file, hint: howToMend(image) },
    );
  }
  await rememberVerified(layout, image.digest, before);
  return file;
}

/** Notes that the disk had its content just now, when `seen` is what it looked like before it was read. */
export async function rememberVerified(layout: Layout, digest: string, seen: string): Promise<void> {
  await writeFileAtomic(verifiedPath(layout, digest), `${seen}\n`);
}

/** What a file looks like from outside, as one line of JSON. */
export async function fingerprint(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs }: BigIntStats = await stat(file, { bigint: true });
  return JSON.stringify({ dev: `${dev}`, ino: `${ino}`, size: `${size}`, mtimeNs: `${mtimeNs}` });
}

async function remembered(layout: Layout, digest: string): Promise<string | undefined> {
  return (await readFile(verifiedPath(layout, digest), 'utf8').catch(() => undefined))?.trimEnd();
}

function howToMend(image: MachineImage): string {
  return image.source.startsWith(CATALOG_SOURCE_PREFIX)
    ? `Remove it with kiln rm ${image.amiId}; it is made again when next needed.`
    : `Put the file back from a backup, or remove the image with kiln rm ${image.amiId} and make it again.`;
}
