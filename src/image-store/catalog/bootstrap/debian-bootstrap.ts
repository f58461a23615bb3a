import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { StoreContext } from '../../image-store.ts';
import type { DebianBootstrapSource } from '../definition.types.ts';
import { readAptSources } from './apt-sources.ts';
import { chooseArchive } from './debian-archive.ts';
import { makeDiskImage } from './disk-image.ts';
import { findPrograms } from './programs.ts';
import { makeRootFolder } from './root-folder.ts';

export interface BootstrapHost {
  /** Where this machine's package sources are, usually `/etc/apt`. */
  readonly etcApt: string;
  readonly isRoot: boolean;
}

export const thisHost: BootstrapHost = { etcApt: '/etc/apt', isRoot: process.getuid?.() === 0 };

/**
 * Makes a bootable raw disk of a Debian release: packages into a folder, the folder into a file system in a file, GRUB
 * before it. Nothing is mounted on this machine and no loop device is used. Takes about a minute.
 *
 * @param name of the image; the file system's UUID is derived from it.
 * @param folder where work is done; it must be private and empty.
 */
export async function bootstrapDebian(
  source: DebianBootstrapSource,
  name: string,
  now: Date,
  folder: string,
  context: StoreContext,
  host: BootstrapHost = thisHost,
): Promise<string> {
  const programs = await findPrograms(host.isRoot);
  const archive = chooseArchive(source.suite, await readAptSources(host.etcApt));
  context.monitor.line('kiln', `bootstrap of Debian ${archive.suite} from ${archive.mainUri}`);
  const rootUuid = uuidOf(`${name} ${archive.mainUri} ${now.toISOString()}`);
  const sourceDateEpoch = Math.floor(now.getTime() / 1_000);
  const disk = join(folder, 'disk.raw');
  await using root = await makeRootFolder({ programs, archive, rootUuid, folder, sourceDateEpoch }, context);
  context.monitor.line('kiln', 'making the file system and the boot loader');
  await makeDiskImage({ mke2fs: programs.mke2fs, rootFolder: root.path, rootUuid, disk, signal: context.signal });
  return disk;
}

/** A UUID (version 8, one's own making) that is the same for the same text. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
