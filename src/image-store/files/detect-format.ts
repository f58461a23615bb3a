import { open } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';

/** As qemu-img calls it: `vpc` is VHD. */
export type Format = 'qcow2' | 'raw' | 'vmdk' | 'vpc' | 'vhdx';

const SECTOR = 512;

/**
 * The format of a disk file by its content; names are not looked at. Refuses, before any program opens the file, those
 * that make a reader open further files: they would bring the content of any file of this machine into an image.
 *
 * @throws BuilderFault for what is no disk, or needs other files.
 */
export async function detectFormat(file: string): Promise<Format> {
  const handle = await open(file, 'r');
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw refusal(file, 'it is not a regular file');
    const head = await readAt(handle, 0, SECTOR);
    const tail = stats.size >= SECTOR ? await readAt(handle, stats.size - SECTOR, SECTOR) : Buffer.alloc(0);
    return formatOf(file, head, tail);
  } finally {
    await handle.close();
  }
}

function formatOf(file: string, head: Buffer, tail: Buffer): Format {
  if (startsWith(head, 'QFI\xfb')) {
    refuseQcow2WithOtherFiles(file, head);
    return 'qcow2';
  }
  if (startsWith(head, 'KDMV')) {
    // Without a capacity of its own the header is only the place of a description that names other files.
    if (head.readBigUInt64LE(12) === 0n) throw refusal(file, 'it is a VMDK whose data is in other files');
    return 'vmdk';
  }
  if (startsWith(head, '# Disk Desc') || startsWith(head, 'COWD')) {
    throw refusal(
      file,
      'it is a VMDK of a kind whose data is in other files',
      'Convert it to one file first, e.g. streamOptimized.',
    );
  }
  if (startsWith(head, 'vhdxfile')) return 'vhdx';
  if (startsWith(head, 'conectix') || startsWith(tail, 'conectix')) return 'vpc';
  if (head.length === SECTOR && head.readUInt16BE(510) === 0x55aa) return 'raw';
  throw refusal(
    file,
    'it is not a disk that Kiln knows',
    'qcow2, VMDK (one file), VHD, VHDX and raw disks with a partition table can be imported.',
  );
}

function refuseQcow2WithOtherFiles(file: string, head: Buffer): void {
  if (head.readBigUInt64BE(8) !== 0n) {
    throw refusal(
      file,
      'it is a qcow2 overlay on another file',
      'Flatten it first: qemu-img convert -O qcow2 OVERLAY FILE',
    );
  }
  const hasExternalData = head.readUInt32BE(4) >= 3 && (head.readBigUInt64BE(72) & 4n) !== 0n;
  if (hasExternalData) throw refusal(file, 'it is a qcow2 whose data is in another file');
}

/** What was given to be imported cannot be: nothing is wrong with the machine. */
export class ImportRefused extends BuilderFault {}

export function refusal(file: string, why: string, hint?: string): ImportRefused {
  return new ImportRefused(`The file cannot be imported: ${why}`, {
    where: file,
    ...(hint === undefined ? {} : { hint }),
  });
}

function startsWith(bytes: Buffer, magic: string): boolean {
  return bytes.subarray(0, magic.length).equals(Buffer.from(magic, 'latin1'));
}

async function readAt(handle: Awaited<ReturnType<typeof open>>, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
