import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import { lockFile } from '../../util/file-lock.ts';
import type { ImportRequest, MachineImage, StoreContext } from '../image-store.ts';
import { detectFormat, type Format, refusal } from './detect-format.ts';
import { diskInfo } from './disk-info.ts';
import { type Layout, lockPath } from './layout.ts';
import { placeDisk, readyDisk } from './place-disk.ts';
import { convertInParallel, qemuImg } from './qemu-img.ts';
import { writeRecord } from './records.ts';
import { storageFault } from './storage-fault.ts';
import { allocatedBytes } from './stored-size.ts';
import { makeWorkFolder } from './work-folder.ts';

/** Larger than any volume of EC2 that an image starts from; a header may claim anything. */
const MAX_VIRTUAL_BYTES = 16 * 2 ** 40;

/**
 * Copies a disk file into the store as uncompressed qcow2 without a parent. The file is not trusted: it may have been
 * made to make its reader open other files, or use up memory.
 */
export async function importDisk(
  layout: Layout,
  clock: Clock,
  request: ImportRequest,
  { signal, monitor }: StoreContext,
): Promise<MachineImage> {
  const action = `Import of ${request.file}`;
  try {
    const file = await existingFile(request.file);
    const format = await detectFormat(file);
    const virtualSize = await check(file, format, signal, action);
    await using folder = await makeWorkFolder(layout);
    const copy = join(folder.path, 'disk.qcow2');
    monitor.line('kiln', `copying ${request.file} (${format}, ${gibibytes(virtualSize)} GiB)`);
    // Never compressed: guests read their parent's disk in small pieces, and each would unpack a whole cluster again.
    const conversion = ['convert', '-f', format, '-O', 'qcow2', ...convertInParallel(true), file, copy];
    await qemuImg(conversion, { signal, action, file: copy, untrusted: true });
    const disk = await readyDisk(copy, signal);
    const image: MachineImage = {
      amiId: newAmiId(),
      name: request.name,
      platform: request.platform,
      ...(request.osVersion === undefined ? {} : { osVersion: request.osVersion }),
      architecture: 'x86_64',
      digest: disk.digest,
      virtualSize,
      storedSize: await allocatedBytes(copy),
      tags: {},
      createdAt: clock.now().toISOString(),
      source: request.source,
    };
    await using _lock = await lockFile(lockPath(layout, 'store'), signal);
    await placeDisk(layout, disk, signal);
    await writeRecord(layout, image);
    return image;
  } catch (error) {
    signal.throwIfAborted();
    throw storageFault(error, action, layout.root);
  }
}

function newAmiId(): string {
  return `ami-${randomBytes(9).toString('hex').slice(0, 17)}`;
}

/** Absolute: qemu-img takes what is before a colon for a protocol, except in a path that starts with a slash. */
async function existingFile(file: string): Promise<string> {
  return await realpath(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw refusal(file, 'it does not exist');
  });
}

async function check(file: string, format: Format, signal: AbortSignal, action: string): Promise<number> {
  const info = await diskInfo(file, format, { signal, action, untrusted: true });
  if (info.backingFile !== undefined) throw refusal(file, `it needs another file, ${info.backingFile}`);
  if (info.otherFiles.length > 0) throw refusal(file, `its data is in other files: ${info.otherFiles.join(', ')}`);
  if (info.encrypted) throw refusal(file, 'it is encrypted', 'Remove the encryption first.');
  if (info.virtualSize > MAX_VIRTUAL_BYTES) {
    throw refusal(file, `it claims to be ${gibibytes(info.virtualSize)} GiB large; at most 16384 GiB are allowed`);
  }
  return info.virtualSize;
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
