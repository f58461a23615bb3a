import { open } from 'node:fs/promises';

export const SECTOR_BYTES = 512;
/** Where the first partition begins; what is before it holds the boot loader. */
export const PARTITION_OFFSET_BYTES = 1024 * 1024;

const BOOT_CODE_BYTES = 440;
const DISK_ID_OFFSET = 440;
const PARTITION_TABLE_OFFSET = 446;
const LINUX = 0x83;
const BOOTABLE = 0x80;
/** Cylinder, head and sector as they are written when nobody looks at them (LBA is used). */
const CHS_UNUSED = [0xfe, 0xff, 0xff] as const;

/**
 * Makes a disk image boot by BIOS: GRUB's `boot.img` becomes the boot code of sector 0, `core.img` follows from sector 1
 * on, and a partition table with one Linux partition is written. `boot.img` looks for its successor in sector 1 as it
 * is shipped, and `grub-mkimage` notes the length in `core.img`, so nothing has to be patched.
 *
 * @param diskId any 32 bits: the kernel knows the disk by it.
 */
export async function writeBootSector(
  disk: string,
  loader: { readonly bootImage: Buffer; readonly coreImage: Buffer },
  diskId: number,
): Promise<void> {
  if (loader.coreImage.length > PARTITION_OFFSET_BYTES - SECTOR_BYTES) {
    throw new Error(`GRUB is too large: ${loader.coreImage.length} bytes before the first partition`);
  }
  const handle = await open(disk, 'r+');
  try {
    const { size } = await handle.stat();
    await handle.write(bootRecord(loader.bootImage, diskId, size), 0, SECTOR_BYTES, 0);
    await handle.write(loader.coreImage, 0, loader.coreImage.length, SECTOR_BYTES);
  } finally {
    await handle.close();
  }
}

function bootRecord(bootImage: Buffer, diskId: number, diskBytes: number): Buffer {
  const record = Buffer.alloc(SECTOR_BYTES);
  bootImage.copy(record, 0, 0, BOOT_CODE_BYTES);
  record.writeUInt32LE(diskId, DISK_ID_OFFSET);
  const first = PARTITION_OFFSET_BYTES / SECTOR_BYTES;
  record.set([BOOTABLE, ...CHS_UNUSED, LINUX, ...CHS_UNUSED], PARTITION_TABLE_OFFSET);
  record.writeUInt32LE(first, PARTITION_TABLE_OFFSET + 8);
  record.writeUInt32LE(diskBytes / SECTOR_BYTES - first, PARTITION_TABLE_OFFSET + 12);
  record.writeUInt16BE(0x55aa, SECTOR_BYTES - 2);
  return record;
}
