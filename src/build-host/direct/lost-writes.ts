import { readFile, stat, statfs } from 'node:fs/promises';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import { diskFull } from '../qemu/programs.ts';
import { runHost } from './programs.ts';

export interface MountedRoot {
  /** Where the overlays lie. */
  readonly folder: string;
  /** A process with the mount. */
  readonly pid: number;
  /** The root folder as that process sees it, and as this one does. */
  readonly root: string;
  readonly rootFromHere: string;
}

export interface WriteCheck {
  /**
   * Writes out what the file system holds back. Rejects with a BuilderFault when a write to its disk failed since the watch
   * began. `read-only`: it was made so by us.
   */
  assertNoneLost(mode?: 'read-only'): Promise<void>;
}

/** With less than this left the disk counts as full: the file that did not fit may be gone already. */
const FULL_BELOW_BYTES = 64 * 1024 * 1024;

/**
 * Watches a mounted ext4 on a loop device for writes that did not reach its disk. Programs are told of one only if they ask;
 * ext4 goes on, or makes itself read-only, and programs fail for what looks like a reason of their own.
 */
export async function watchWrites(mounted: MountedRoot): Promise<WriteCheck> {
  const notes = `/sys/fs/ext4/loop${minorOf((await stat(mounted.rootFromHere)).dev)}`;
  const sync = ['--target', String(mounted.pid), '--mount', '--', 'sync', '--file-system', mounted.root];
  const before = await failuresNoted(notes);

  async function whyLost(mode: 'read-only' | undefined): Promise<string | undefined> {
    try {
      await runHost('nsenter', sync);
    } catch (error) {
      return coerceError(error).message;
    }
    // Kept by ext4, whoever else was told of the failure.
    const failures = (await failuresNoted(notes)) - before;
    if (failures > 0) return `${failures} failures of its file system`;
    if (mode === undefined && (await isReadOnly(mounted))) return 'its file system made itself read-only';
    return undefined;
  }
  return {
    assertNoneLost: async (mode) => {
      const why = await whyLost(mode);
      if (why === undefined) return;
      const { bavail, bsize } = await statfs(mounted.folder);
      if (bavail * bsize < FULL_BELOW_BYTES) throw diskFull(why);
      throw new BuilderFault(`What was written on the disk of the image did not reach it: ${why}`, {
        hint: "The host's kernel log says more (dmesg).",
      });
    },
  };
}

/** How many failures ext4 has counted: those of its own data, and of data of files. */
async function failuresNoted(notes: string): Promise<number> {
  const counts = ['errors_count', 'warning_count'].map(async (name) =>
    Number(await readFile(`${notes}/${name}`, 'utf8').catch(() => '0')),
  );
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

async function isReadOnly({ pid, root }: MountedRoot): Promise<boolean> {
  const place = root.replaceAll(' ', '\\040');
  const mounts = (await readFile(`/proc/${pid}/mounts`, 'utf8')).split('\n').map((line) => line.split(' '));
  const options = mounts.findLast(([, mountedAt]) => mountedAt === place)?.[3] ?? '';
  return options.split(',').includes('ro');
}

function minorOf(dev: number): number {
  return (dev & 0xff) | ((dev >> 12) & 0xfff00);
}
