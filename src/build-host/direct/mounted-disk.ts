import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BuilderFault, coerceError } from '../../util/faults.ts';
import type { ParentDisk } from '../build-host.ts';
import { moveFile } from '../move-file.ts';
import { FILES } from './files.ts';
import { type WriteCheck, watchWrites } from './lost-writes.ts';
import { openMountSpace } from './mount-space.ts';
import { NeedsBoot } from './needs-boot.ts';
import { runHost } from './programs.ts';
import { findRootPartition } from './root-partition.ts';
import { addOverlay, startStorageDaemon } from './storage-daemon.ts';

/** The kernel may have a journal to play back first, which is small. */
const MOUNT_MS = 60_000;
const DETACH_MS = 10_000;
const LOOK_EVERY_MS = 10;

/** An overlay on a parent disk whose root file system is mounted, where only its daemon and its container see it. */
export interface MountedDisk {
  /** The process in whose mount namespace it is mounted. */
  readonly pid: number;
  /** The root folder as that process sees it. */
  readonly root: string;
  /** The same folder as this process sees it. Links in it lead to files of the host: never follow them. */
  readonly rootFromHere: string;
  /** Rejects with a BuilderFault unless everything written so far has reached the overlay. */
  flush(): Promise<void>;
  /** Everything written so far stays, whatever {@link giveUp} takes back. As {@link UnbootedInstance.checkpoint}. */
  checkpoint(signal: AbortSignal, keepAs?: string): Promise<void>;
  /**
   * Unmounts it and gives the overlay: whole, clean, with one backing file, and open in no process. Nothing may use the
   * file system any more. `sinceCheckpoint` false takes back what was written since the last checkpoint.
   */
  giveUp(sinceCheckpoint: 'keep' | 'discard', signal: AbortSignal): Promise<string>;
  /** Unmounts it, unless somebody else still sees it, and lets go of the daemon without ending that. */
  release(): Promise<void>;
}

/**
 * Makes an overlay on `parentDisk` in the instance's folder and mounts its root file system. Rejects with
 * {@link NeedsBoot} when the disk is not of a kind that can be. When it rejects, a process may be left.
 */
export async function mountDisk(
  folder: string,
  instanceId: string,
  parentDisk: ParentDisk,
  signal: AbortSignal,
): Promise<MountedDisk> {
  /** What the first of the layers is on. */
  let base = parentDisk;
  /** Overlays in the folder, the lowest first; the last one is written. */
  let layers: [string, ...string[]] = [FILES.rootDisk];
  let count = 0;
  const create = (file: string, within: AbortSignal): Promise<string> => {
    const backing = ['-b', base.path, '-F', base.format];
    return runHost('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, join(folder, file)], { signal: within });
  };
  await create(FILES.rootDisk, signal);
  const daemon = await startStorageDaemon(folder, instanceId, FILES.rootDisk, signal);
  const root = join(folder, FILES.root);
  const space = await openMountSpace(folder, instanceId, daemon.pid, signal).catch((error: unknown) => {
    daemon.release();
    throw error;
  });
  /** Runs a program of the host where the disk is mounted. */
  const inside = (program: 'mount' | 'umount' | 'fstrim' | 'fsfreeze', args: readonly string[], until?: AbortSignal) =>
    runHost(
      'nsenter',
      ['--target', String(space.pid), '--mount', '--', program, ...args],
      until === undefined ? {} : { signal: until },
    );

  const seenRawDisk = join(`/proc/${daemon.pid}/root`, folder, FILES.rawDisk);
  const rootFromHere = join(`/proc/${space.pid}/root`, root);
  let device: string;
  let writes: WriteCheck;
  try {
    const { offset, size } = await rootExtent(seenRawDisk);
    await mkdir(root);
    const options = `loop,offset=${offset},sizelimit=${size},nodev,noatime,nobarrier`;
    const within = AbortSignal.any([signal, AbortSignal.timeout(MOUNT_MS)]);
    await inside('mount', ['-t', 'ext4', '-o', options, '--', join(folder, FILES.rawDisk), root], within).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        // Its own kernel may know features of the file system that this one does not.
        throw new NeedsBoot(`its file system cannot be mounted here (${coerceError(error).message})`);
      },
    );
    device = deviceOf(await stat(seenRawDisk));
    writes = await watchWrites({ folder, pid: space.pid, root, rootFromHere });
    signal.throwIfAborted();
  } catch (error) {
    await space.end();
    daemon.release();
    throw error;
  }

  async function checkpoint(within: AbortSignal, keepAs?: string): Promise<void> {
    if (keepAs !== undefined && layers.length > 1)
      throw new BuilderFault('A checkpoint lies on one that was not kept.');
    const name = `layer-${++count}`;
    const file = `${name}.qcow2`;
    if (keepAs !== undefined) {
      // Made beforehand, so that it names what it is on by the place where that is going to be.
      const size = String((await stat(seenRawDisk)).size);
      const backing = ['-u', '-b', keepAs, '-F', 'qcow2'];
      await runHost('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, join(folder, file), size], {
        signal: within,
      });
    }
    await writes.assertNoneLost();
    if (keepAs !== undefined) await inside('fstrim', [root]);
    await inside('fsfreeze', ['--freeze', root]);
    try {
      await addOverlay(daemon, join(folder, file), name, keepAs === undefined ? 'absolute-paths' : 'existing');
    } finally {
      await inside('fsfreeze', ['--unfreeze', root]);
    }
    if (keepAs === undefined) {
      layers.push(file);
      return;
    }
    await moveFile(join(folder, layers[0]), keepAs);
    base = { path: keepAs, format: 'qcow2' };
    layers = [file];
  }

  async function giveUp(sinceCheckpoint: 'keep' | 'discard', giveUpSignal: AbortSignal): Promise<string> {
    if (sinceCheckpoint === 'keep') {
      // What was deleted last is free only when that is written.
      await writes.assertNoneLost();
      await inside('fstrim', [root]);
      // From here on nothing is written, so that what is lost last is known before the file system is gone.
      await inside('mount', ['-o', 'remount,ro', root]);
      await writes.assertNoneLost('read-only');
    }
    await inside('umount', ['--', root]);
    await space.end();
    await untilDetached(device);
    await daemon.end();
    if (sinceCheckpoint === 'discard') {
      const top = layers.length > 1 ? layers.pop() : undefined;
      if (top === undefined) await create(layers[0], giveUpSignal);
      else await rm(join(folder, top));
    }
    await flatten(folder, layers, giveUpSignal);
    const path = join(folder, layers[0]);
    await runHost('qemu-img', ['check', '-q', '-f', 'qcow2', path], { signal: giveUpSignal });
    return path;
  }

  const flush = (): Promise<void> => writes.assertNoneLost();
  async function release(): Promise<void> {
    await space.end();
    daemon.release();
  }
  return { pid: space.pid, root, rootFromHere, flush, checkpoint, giveUp, release };
}

/** Writes what the layers above the first have into the first. */
async function flatten(folder: string, layers: readonly [string, ...string[]], signal: AbortSignal): Promise<void> {
  const top = layers.at(-1);
  if (top === undefined || layers.length === 1) return;
  const base = join(folder, layers[0]);
  await runHost('qemu-img', ['commit', '-q', '-d', '-f', 'qcow2', '-b', base, join(folder, top)], { signal });
  await Promise.all(layers.slice(1).map((layer) => rm(join(folder, layer))));
}

/** `major:minor` of the file system that a file lies on, as losetup writes it. */
function deviceOf({ dev }: { readonly dev: number }): string {
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  return `${major}:${minor}`;
}

/**
 * Resolves when no loop device reads from `device` any more. The kernel unmounts a file system in truth when the last
 * process that sees the mount has ended, and only then is it clean.
 */
async function untilDetached(device: string): Promise<void> {
  const begin = performance.now();
  for (;;) {
    const list = await runHost('losetup', ['--list', '--noheadings', '--output', 'BACK-MAJ:MIN']);
    if (!list.split('\n').some((line) => line.trim() === device)) return;
    if (performance.now() - begin > DETACH_MS) throw new BuilderFault('A loop device of a build does not let go.');
    await delay(LOOK_EVERY_MS);
  }
}

async function rootExtent(rawDisk: string) {
  const file = await open(rawDisk, 'r');
  try {
    const found = await findRootPartition(async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
    if (typeof found === 'string') throw new NeedsBoot(found);
    return found;
  } finally {
    await file.close();
  }
}
