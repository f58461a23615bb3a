/** Where on a disk the file system lies that becomes `/`, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

/** Gives `length` bytes of a disk at `offset`, fewer at its end. */
export type ReadDisk = (offset: number, length: number) => Promise<Buffer>;

const SECTOR = 512;
const MOST_PARTITIONS = 128;

/** Kinds of partition in a master boot record. */
const EMPTY = 0x00;
const PROTECTIVE = 0xee;
const EXTENDED = [0x05, 0x0f, 0x85];
/** GPT's kind of partition that a firmware boots from, as it lies on the disk. */
const EFI_SYSTEM = '28732ac11ff8d211ba4b00a0c93ec93b';
/** GPT's kind of partition that only grub's first stage lies in. */
const BIOS_BOOT = '4861682149646f6e744e656564454649';

/**
 * Finds the one Linux file system of a disk. Gives a sentence instead when there is none or more than one, or when it is
 * of a kind other than ext4: then only the system on the disk knows how its parts belong together.
 */
export async function findRootPartition(read: ReadDisk): Promise<Extent | string> {
  const partitions = await readTable(read);
  if (typeof partitions === 'string') return partitions;
  const found: Extent[] = [];
  for (const partition of partitions) {
    const kind = await kindOf(partition, read);
    if (kind === 'ext4') found.push(partition);
    else if (kind === 'other') return 'a file system on its disk is not ext4';
  }
  const [root] = found;
  if (root === undefined) return 'its disk has no ext4 file system';
  return found.length === 1 ? root : 'its disk has more than one Linux file system';
}

async function readTable(read: ReadDisk): Promise<readonly Extent[] | string> {
  const record = await read(0, SECTOR);
  if (record.length < SECTOR || record.readUInt16LE(510) !== 0xaa55) return 'its disk has no partition table';
  const entries = [0, 1, 2, 3].map((index) => {
    const at = 446 + index * 16;
    return {
      kind: record[at + 4] ?? EMPTY,
      offset: record.readUInt32LE(at + 8) * SECTOR,
      size: record.readUInt32LE(at + 12) * SECTOR,
    };
  });
  if (entries.some(({ kind }) => kind === PROTECTIVE)) return readGpt(read);
  if (entries.some(({ kind }) => EXTENDED.includes(kind))) return 'its disk has logical partitions';
  return entries.filter(({ kind, size }) => kind !== EMPTY && size > 0).map(({ offset, size }) => ({ offset, size }));
}

async function readGpt(read: ReadDisk): Promise<readonly Extent[] | string> {
  const header = await read(SECTOR, SECTOR);
  if (header.toString('latin1', 0, 8) !== 'EFI PART') return 'its partition table is broken';
  const at = Number(header.readBigUInt64LE(72)) * SECTOR;
  const count = header.readUInt32LE(80);
  const entrySize = header.readUInt32LE(84);
  if (entrySize < 128 || entrySize > 4096 || count > MOST_PARTITIONS || !Number.isSafeInteger(at)) {
    return 'its partition table is broken';
  }
  const table = await read(at, count * entrySize);
  const partitions: Extent[] = [];
  for (let start = 0; start + entrySize <= table.length; start += entrySize) {
    const kind = table.toString('hex', start, start + 16);
    if (/^0+$/.test(kind) || kind === EFI_SYSTEM || kind === BIOS_BOOT) continue;
    const first = Number(table.readBigUInt64LE(start + 32));
    const last = Number(table.readBigUInt64LE(start + 40));
    if (last < first || !Number.isSafeInteger(last * SECTOR)) return 'its partition table is broken';
    partitions.push({ offset: first * SECTOR, size: (last - first + 1) * SECTOR });
  }
  return partitions;
}

/** ext4's magic number; XFS, btrfs, LVM and LUKS by theirs. A partition of nothing known (swap, vfat) does not count. */
async function kindOf({ offset }: Extent, read: ReadDisk): Promise<'ext4' | 'other' | undefined> {
  const head = await read(offset, 2048);
  if (head.length < 2048) return undefined;
  if (head.readUInt16LE(1024 + 56) === 0xef53) return 'ext4';
  if (head.toString('latin1', 0, 4) === 'XFSB' || head.toString('latin1', 0, 4) === 'LUKS') return 'other';
  if (head.toString('latin1', 512, 520) === 'LABELONE') return 'other';
  const btrfs = await read(offset + 64 * 1024, 128);
  return btrfs.toString('latin1', 64, 72) === '_BHRfS_M' ? 'other' : undefined;
}
