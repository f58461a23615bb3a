import { readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { isOwnerAlive, nameOfThisProcess } from '../../util/process-identity.ts';
import type { ExportFormat, MachineImage, StoreContext } from '../image-store.ts';
import { syncFile, syncFolderOf } from './atomic-file.ts';
import { sha256OfExtents, sha256OfFile } from './disk-digest.ts';
import { rawExtents } from './disk-info.ts';
import { exportedBefore, noteSum, rememberExport } from './exported-files.ts';
import { diskPath, type Layout, lockPath } from './layout.ts';
import { exportFromPacked } from './packed-disk.ts';
import { COMPRESSED_QCOW2, convertInParallel, qemuImg } from './qemu-img.ts';
import { readRecord } from './records.ts';
import { storageFault } from './storage-fault.ts';
import { allocatedBytes } from './stored-size.ts';
import { verifyChain } from './verify-chain.ts';

/** How qemu-img writes each format; `anyOrder` where clusters may be written as they are ready. */
const TARGETS: Readonly<Record<ExportFormat, { readonly options: readonly string[]; readonly anyOrder: boolean }>> = {
  qcow2: { options: COMPRESSED_QCOW2, anyOrder: true },
  raw: { options: ['-O', 'raw'], anyOrder: true },
  vmdk: { options: ['-O', 'vmdk', '-o', 'subformat=streamOptimized'], anyOrder: false },
  // Without force_size the disk grows to a whole number of cylinders.
  vhd: { options: ['-O', 'vpc', '-o', 'subformat=dynamic,force_size=on'], anyOrder: false },
  vhdx: { options: ['-O', 'vhdx', '-o', 'subformat=dynamic'], anyOrder: false },
};

/**
 * Writes a machine image as one file without parents. The target appears, or is replaced, when it is whole: before that
 * a hidden `.NAME.PROCESS.partial` beside it grows, which the next export to the same name removes should this one be killed.
 * A target that this store wrote with the same content, and that nobody has touched since, stays as it is. `SHA256SUMS`
 * beside it gets, or keeps, a line for it.
 */
export async function exportDisk(
  layout: Layout,
  amiId: string,
  target: string,
  format: ExportFormat,
  { signal, monitor }: StoreContext,
): Promise<{ readonly bytes: number }> {
  const action = `Export of ${amiId}`;
  const image = await readRecord(layout, amiId);
  if (image === undefined) throw new BuilderFault(`${action} failed: there is no such image`);
  const chain = await verifyChain(layout, image, signal);
  const file = join(await existingFolder(dirname(resolve(target)), action), basename(target));
  await removeAbandoned(file);
  const content = contentOf(chain, format);
  const there = await exportedBefore(layout, file, content);
  if (there !== undefined) {
    monitor.line('kiln', `${target} is this image already`);
    return { bytes: there };
  }
  const partial = `${partialPrefix(file)}${await nameOfThisProcess()}.partial`;
  const { options, anyOrder } = TARGETS[format];
  try {
    monitor.line('kiln', `writing ${target} (${format})`);
    if (format !== 'qcow2' || !(await exportFromPacked(layout, chain, partial, { signal, action }))) {
      const disk = diskPath(layout, image.digest);
      const conversion = ['convert', '-f', 'qcow2', ...options, ...convertInParallel(anyOrder), disk, partial];
      await qemuImg(conversion, { signal, action, file });
    }
    const sum =
      format === 'raw'
        ? rawExtents(partial, { signal, action }).then((extents) => sha256OfExtents(partial, extents, signal))
        : sha256OfFile(partial, signal);
    const [sha256] = await Promise.all([sum, syncFile(partial)]);
    // Of several exports to one name, the file and the line for it must be of the same one.
    await using _lock = await lockFile(lockPath(layout, 'exports'), signal);
    signal.throwIfAborted();
    await rename(partial, file);
    await syncFolderOf(file);
    await noteSum(file, sha256);
    const bytes = await allocatedBytes(file);
    await rememberExport(layout, file, content, bytes);
    return { bytes };
  } catch (error) {
    await rm(partial, { force: true });
    signal.throwIfAborted();
    throw storageFault(error, action, file);
  }
}

/** What the file is going to hold: the disks below it by their content, and how they are written. */
function contentOf(chain: readonly MachineImage[], format: ExportFormat): string {
  const digests = chain.flatMap(({ layers = [], digest }) => [...layers.map((layer) => layer.digest), digest]);
  return `${format} ${TARGETS[format].options.join(' ')} ${digests.join(' ')}`;
}

async function existingFolder(folder: string, action: string): Promise<string> {
  return await realpath(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new BuilderFault(`${action} failed: the folder to write to does not exist`, { where: folder, cause: error });
  });
}

function partialPrefix(file: string): string {
  return join(dirname(file), `.${basename(file)}.`);
}

async function removeAbandoned(file: string): Promise<void> {
  const prefix = basename(partialPrefix(file));
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(prefix) || !name.endsWith('.partial')) continue;
    const owner = name.slice(prefix.length, -'.partial'.length);
    // Only names of exactly our form: the folder is the user's.
    if (/^[0-9]+-[0-9]+-[0-9a-f]{12}$/.test(owner) && !(await isOwnerAlive(owner))) {
      await rm(join(dirname(file), name), { force: true });
    }
  }
}
