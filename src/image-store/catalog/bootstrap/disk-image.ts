import { open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { endingWithUs } from '../../../util/ending-with-us.ts';
import { BuilderFault } from '../../../util/faults.ts';
import { run } from '../../../util/spawn.ts';
import { storageFault, systemErrorIn } from '../../files/storage-fault.ts';
import { PARTITION_OFFSET_BYTES, writeBootSector } from './boot-sector.ts';
import { BOOT_IMAGE, CORE_IMAGE } from './hooks.ts';

/** What a guest sees, 8 GiB, as with Debian's image on EC2. A larger disk is grown into at the first boot. */
const DISK_BYTES = 8 * 2 ** 30;

/**
 * Written out, because the defaults of mke2fs differ from host to host, and newer ones are not known to the GRUB of
 * older releases.
 */
const FEATURES = [
  'none',
  'has_journal',
  'ext_attr',
  'resize_inode',
  'dir_index',
  'filetype',
  'extent',
  '64bit',
  'flex_bg',
  'sparse_super',
  'large_file',
  'huge_file',
  'dir_nlink',
  'extra_isize',
  'metadata_csum',
].join(',');

export interface DiskImageRequest {
  readonly mke2fs: string;
  readonly rootFolder: string;
  readonly rootUuid: string;
  /** Made; must not exist. */
  readonly disk: string;
  readonly signal: AbortSignal;
}

/** Makes a sparse raw disk that boots by BIOS out of a root folder, without mounting anything. */
export async function makeDiskImage(request: DiskImageRequest): Promise<void> {
  const { disk, rootFolder, rootUuid } = request;
  await (await open(disk, 'wx', 0o600)).close();
  await truncate(disk, DISK_BYTES);
  await makeFileSystem(request);
  const bootImage = await readFile(join(rootFolder, BOOT_IMAGE));
  const coreImage = await readFile(join(rootFolder, CORE_IMAGE));
  await writeBootSector(disk, { bootImage, coreImage }, Number.parseInt(rootUuid.slice(0, 8), 16));
}

async function makeFileSystem(request: DiskImageRequest): Promise<void> {
  const kibibytes = (DISK_BYTES - PARTITION_OFFSET_BYTES) / 1024;
  const extended = [
    `offset=${PARTITION_OFFSET_BYTES}`,
    'root_owner=0:0',
    `hash_seed=${request.rootUuid}`,
    // Else the first boot writes zeros over what is zero already, into every overlay.
    'lazy_itable_init=0',
    'lazy_journal_init=0',
  ].join(',');
  const args = [
    ...['-q', '-F', '-t', 'ext4', '-b', '4096', '-I', '256', '-i', '16384', '-m', '1', '-J', 'size=64'],
    ...['-O', FEATURES, '-U', request.rootUuid, '-L', 'root', '-E', extended],
    ...['-d', request.rootFolder, request.disk, `${kibibytes}k`],
  ];
  const result = await run(...endingWithUs(request.mke2fs, args), { signal: request.signal });
  if (result.code === 0) return;
  const stderr = result.stderr.toString().trim();
  const cause = new Error(stderr);
  const code = systemErrorIn(stderr);
  if (code !== undefined) throw storageFault(Object.assign(cause, { code }), 'Making the file system', request.disk);
  throw new BuilderFault(`mke2fs failed: ${stderr.split('\n').at(-1) ?? ''}`, { where: request.disk, cause });
}
