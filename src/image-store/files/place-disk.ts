import { chmod, link, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { copyDisk } from '../../util/copy-disk.ts';
import { syncFile, syncFolderOf } from './atomic-file.ts';
import { sha256OfFile } from './disk-digest.ts';
import { diskPath, type Layout } from './layout.ts';
import { fingerprint, rememberVerified } from './verified-disk.ts';
import { makeWorkFolder } from './work-folder.ts';

/** A disk whose content is known and on its way to the platter. */
export interface ReadyDisk {
  readonly file: string;
  readonly digest: string;
  /** What the file looked like before it was read. */
  readonly seen: string;
}

/** Reads a whole disk for its digest while the system writes it out; afterwards it is read-only. */
export async function readyDisk(file: string, signal: AbortSignal): Promise<ReadyDisk> {
  await chmod(file, 0o444);
  const seen = await fingerprint(file);
  const [digest] = await Promise.all([sha256OfFile(file, signal), syncFile(file)]);
  return { file, digest, seen };
}

/**
 * Gives a ready disk its name in the store. The file keeps its old name too, until the caller removes it: a caller that
 * is killed before it has written the record finds its file where it was. Call with the store locked.
 */
export async function placeDisk(layout: Layout, disk: ReadyDisk, signal: AbortSignal): Promise<void> {
  const target = diskPath(layout, disk.digest);
  if (await hasContent(target, disk, signal)) return;
  await using folder = await makeWorkFolder(layout);
  const step = join(folder.path, 'disk');
  await linkOrCopy(disk.file, step, signal);
  const copied = (await fingerprint(step)) !== disk.seen;
  if (copied) await syncFile(step);
  // rename replaces a corrupt disk of the same digest, which link would not.
  await rename(step, target);
  await syncFolderOf(target);
  if (!copied) await rememberVerified(layout, disk.digest, disk.seen);
}

async function hasContent(target: string, disk: ReadyDisk, signal: AbortSignal): Promise<boolean> {
  const there = await stat(target).then(
    () => true,
    () => false,
  );
  return there && (await sha256OfFile(target, signal)) === disk.digest;
}

async function linkOrCopy(from: string, to: string, signal: AbortSignal): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'ENOTSUP') throw error;
    await copyDisk(from, to, signal);
    await chmod(to, 0o444);
  }
}
