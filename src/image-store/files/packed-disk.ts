import { readFile, rename, rm } from 'node:fs/promises';
import { allEnded } from '../../util/all-ended.ts';
import { copyDisk } from '../../util/copy-disk.ts';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { nameOfThisProcess } from '../../util/process-identity.ts';
import { run } from '../../util/spawn.ts';
import type { MachineImage } from '../image-store.ts';
import { syncFile, syncFolderOf, writeFileAtomic } from './atomic-file.ts';
import type { ImageChain } from './image-chain.ts';
import { diskPath, type Layout, layerPath, lockPath, packedPath, packedRecordPath } from './layout.ts';
import { COMPRESSED_QCOW2, convertInParallel, qemuImg } from './qemu-img.ts';
import { storageFault } from './storage-fault.ts';
import { fingerprint, verifyDisk } from './verified-disk.ts';

/**
 * A packed disk is the compressed form of the disk of an image that lies on no other, beside it in the store. What lies on
 * such a disk is exported in a fraction of the time: the packed disk is copied, and only what is different is compressed.
 */

/** More than disks of people have; with more pieces than fit in here an overlay is not worth the trouble. */
const MOST_MAP_BYTES = 64 * 2 ** 20;

/** Makes the packed disk of an image that lies on no other, unless it is there. It takes what other work leaves of the processors. */
export async function packDisk(layout: Layout, root: MachineImage, signal: AbortSignal): Promise<void> {
  const action = `Packing of ${root.amiId}`;
  const file = packedPath(layout, root.digest);
  await using _lock = await lockFile(lockPath(layout, 'packing'), signal);
  if (await isPacked(layout, root.digest)) return;
  const disk = await verifyDisk(layout, root, signal);
  const partial = `${file}.${await nameOfThisProcess()}.partial`;
  try {
    const conversion = ['convert', '-f', 'qcow2', ...COMPRESSED_QCOW2, ...convertInParallel(true), disk, partial];
    await qemuImg(conversion, { signal, action, file, background: true });
    await syncFile(partial);
    await rename(partial, file);
    await syncFolderOf(file);
    await writeFileAtomic(packedRecordPath(layout, root.digest), await fingerprint(file));
  } catch (error) {
    await rm(partial, { force: true });
    signal.throwIfAborted();
    throw storageFault(error, action, file);
  }
}

/** Whether the packed disk is there as it was written. */
async function isPacked(layout: Layout, digest: string): Promise<boolean> {
  const seen = await fingerprint(packedPath(layout, digest)).catch(() => undefined);
  const written = await readFile(packedRecordPath(layout, digest), 'utf8').catch(() => undefined);
  return seen !== undefined && seen === written;
}

/**
 * Writes the flattened disk of an image to a new file, from the packed disk below it, and waits while that is being made. False when
 * there is none, or it does not help; there is no file then. When it rejects, what there is of the file is the caller's to remove.
 * @param chain The image and those it was built on, the lowest first; all verified.
 */
export async function exportFromPacked(
  layout: Layout,
  chain: ImageChain,
  file: string,
  { signal, action }: { readonly signal: AbortSignal; readonly action: string },
): Promise<boolean> {
  const [root, ...above] = chain;
  const image = above.at(-1);
  if (image === undefined) return false;
  const options = { signal, action, file };
  const overlays = above.flatMap((one) => overlaysOf(layout, one));
  const [copied, held] = await allEnded([
    copyPacked(layout, root.digest, file, signal),
    allEnded(overlays.map((overlay) => heldBy(overlay, options))),
  ]);
  if (!copied) return false;
  if (image.virtualSize > root.virtualSize) {
    await qemuImg(['resize', '-q', '-f', 'qcow2', file, String(image.virtualSize)], options);
  }
  let below = diskPath(layout, root.digest);
  for (const [index, overlay] of overlays.entries()) {
    const extents = held[index];
    if (extents === undefined) {
      await rm(file);
      return false;
    }
    await addOverlay(overlay, extents, below, options);
    below = overlay;
  }
  return true;
}

/** False when there is none to be copied. */
async function copyPacked(layout: Layout, digest: string, to: string, signal: AbortSignal): Promise<boolean> {
  await using _lock = await lockFile(lockPath(layout, 'packing'), signal);
  if (!(await isPacked(layout, digest))) return false;
  await copyDisk(packedPath(layout, digest), to, signal);
  return true;
}

function overlaysOf(layout: Layout, { layers = [], digest }: MachineImage): readonly string[] {
  return [...layers.map(({ name }) => layerPath(layout, name)), diskPath(layout, digest)];
}

interface AddOptions {
  readonly signal: AbortSignal;
  readonly action: string;
  /** The flattened disk that grows. */
  readonly file: string;
}

/** Writes what an overlay holds into a flattened disk, compressed. */
async function addOverlay(
  overlay: string,
  extents: readonly Extent[],
  below: string,
  { signal, action, file }: AddOptions,
): Promise<void> {
  // qcow2 puts no compressed cluster in the place of another: those that are there go first.
  const lines = extents.map(({ start, length }) => `discard ${start} ${length}\n`);
  const { code, stderr } = await run('qemu-io', ['-f', 'qcow2', file], { signal, stdin: lines.join('') });
  if (code !== 0) throw new BuilderFault(`${action} failed: ${stderr.toString().trim()}`, { where: file });
  const into = ['convert', '-f', 'qcow2', '-n', '-c', '-O', 'qcow2', ...convertInParallel(true)];
  await qemuImg([...into, '-B', below, '-F', 'qcow2', overlay, file], { signal, action, file });
}

interface Extent {
  readonly start: number;
  readonly length: number;
}

/** Where an overlay has something to say, zeros included; bytes of the disk. Undefined when that is in too many pieces. */
async function heldBy(overlay: string, options: AddOptions): Promise<readonly Extent[] | undefined> {
  const alone = { driver: 'qcow2', file: { driver: 'file', filename: overlay }, backing: null };
  const map = ['map', '--output=json', `json:${JSON.stringify(alone)}`];
  const text = await qemuImg(map, { ...options, file: overlay, keepBytes: MOST_MAP_BYTES });
  if (text.length >= MOST_MAP_BYTES) return undefined;
  return (JSON.parse(text) as readonly (Extent & { readonly present: boolean })[]).filter(({ present }) => present);
}
