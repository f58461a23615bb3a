import { readdir, realpath, rm, stat, statfs, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Clock, systemClock } from '../../util/clock.ts';
import { compareText } from '../../util/compare-text.ts';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import { nameOfThisProcess } from '../../util/process-identity.ts';
import type { CachedCheckpoint, Checkpoint, CheckpointStore, OpenCheckpoint } from '../checkpoint-store.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { setBackingName } from './backing-name.ts';
import { readCheckpoint, readCheckpoints, writeCheckpoint } from './checkpoint-records.ts';
import {
  checkpointPath,
  diskName,
  isCheckpointKey,
  layerPath,
  lockPath,
  machinePath,
  makeLayout,
  ownerOfLayer,
} from './layout.ts';
import { readyDisk } from './place-disk.ts';
import { readRecord, readRecords } from './records.ts';
import { storageFault } from './storage-fault.ts';
import { allocatedBytes } from './stored-size.ts';
import { rememberVerified, verifyLayer } from './verified-disk.ts';
import { verifyChain } from './verify-chain.ts';
import { leasedLayers, namesOf, removeUnwanted } from './wanted-files.ts';

export interface CheckpointStoreOptions {
  /** The folder of the image store. */
  readonly folder: string;
  /** What all layers of checkpoints together may take. */
  readonly limitBytes: number;
  /** Checkpoints leave so much free: builds need the room. */
  readonly minFreeBytes: number;
  /** Default: as the file system says. */
  readonly freeBytes?: () => Promise<number>;
  readonly clock?: Clock;
}

const MEND = 'The build goes on without it.';

/** The checkpoints of an image store that is open. Several processes may have them open; there is nothing to close. */
export async function openCheckpointStore(options: CheckpointStoreOptions): Promise<CheckpointStore> {
  const { limitBytes, minFreeBytes, clock = systemClock } = options;
  const layout = await makeLayout(options.folder);
  const never = new AbortController().signal;
  const lock = (signal: AbortSignal = never) => lockFile(lockPath(layout, 'store'), signal);

  const { freeBytes = () => freeOn(layout.root) } = options;

  /** @param collectable Bytes that could be free. */
  async function whyNoRoom(bytes: number, collectable: number): Promise<string | undefined> {
    const free = await freeBytes();
    if (free + collectable >= minFreeBytes + bytes) return undefined;
    const one = bytes === 0 ? '' : `, one of this machine may take ${gibibytes(bytes)} GiB`;
    return `${gibibytes(free)} GiB are free on the disk, and checkpoints leave ${gibibytes(minFreeBytes)} GiB to builds${one}`;
  }

  async function makeRoom(bytes: number): Promise<string | undefined> {
    if ((await whyNoRoom(bytes, 0)) === undefined) return undefined;
    await using _lock = await lock();
    const all = await list();
    const why = await whyNoRoom(bytes, await collectableBytes(all));
    if (why !== undefined) return why;
    await collectLocked((await ownBytes(all)) - (minFreeBytes + bytes - (await freeBytes())));
    return undefined;
  }

  async function sealLayer(...[name, on, signal]: Parameters<CheckpointStore['sealLayer']>) {
    const file = layerPath(layout, name);
    try {
      await setBackingName(file, diskName('layer' in on ? on.layer : on.digest));
      const { digest, seen } = await readyDisk(file, signal);
      await rememberVerified(layout, name, seen);
      return { name, digest };
    } catch (error) {
      signal.throwIfAborted();
      throw storageFault(error, 'Writing a checkpoint', file);
    }
  }

  async function put(checkpoint: Omit<Checkpoint, 'createdAt'>, signal: AbortSignal): Promise<void> {
    const action = 'Writing a checkpoint';
    try {
      await using _lock = await lock(signal);
      if ((await readRecord(layout, checkpoint.parentAmiId)) === undefined) {
        throw new BuilderFault(`${action} failed: ${checkpoint.parentAmiId} is not in the image store any more`);
      }
      const whose = { name: `${action} failed: a layer of it`, hint: MEND };
      for (const layer of checkpoint.layers) await verifyLayer(layout, layer, whose, signal);
      const replaced = await readCheckpoint(layout, checkpoint.key);
      await writeCheckpoint(layout, { ...checkpoint, createdAt: clock.now().toISOString() });
      await removeUnwanted(layout, namesOf(replaced?.layers ?? []));
      await collectLocked(limitBytes, checkpoint.key);
    } catch (error) {
      signal.throwIfAborted();
      throw storageFault(error, action, layout.checkpoints);
    }
  }

  async function open(key: string, signal: AbortSignal): Promise<OpenCheckpoint> {
    const lease = join(layout.leases, `${await nameOfThisProcess()}.json`);
    const release = (): Promise<void> => rm(lease, { force: true });
    try {
      const { checkpoint, parent } = await takeLease();
      const whose = { name: `A layer of the checkpoint ${key.slice(0, 12)}`, hint: MEND };
      await verifyChain(layout, parent, signal);
      for (const layer of checkpoint.layers) await verifyLayer(layout, layer, whose, signal);
      const now = clock.now();
      await utimes(checkpointPath(layout, key), now, now);
      const top = checkpoint.layers.at(-1)?.name ?? '';
      const state = checkpoint.hasMachine === true ? { state: machinePath(layout, top) } : {};
      return { checkpoint, path: layerPath(layout, top), ...state, release };
    } catch (error) {
      await release();
      throw error;
    }

    async function takeLease() {
      await using _lock = await lock(signal);
      const checkpoint = await readCheckpoint(layout, key);
      if (checkpoint === undefined) throw new BuilderFault(`There is no checkpoint ${key.slice(0, 12)}`);
      const parent = await readRecord(layout, checkpoint.parentAmiId);
      if (parent === undefined) throw new BuilderFault(`${checkpoint.parentAmiId}, on which it lies, is gone`);
      await writeLease(lease, namesOf(checkpoint.layers));
      return { checkpoint, parent };
    }
  }

  async function removeLocked(checkpoint: Checkpoint | undefined, key: string): Promise<void> {
    await rm(checkpointPath(layout, key), { force: true });
    await removeUnwanted(layout, namesOf(checkpoint?.layers ?? []));
  }

  async function list(): Promise<readonly CachedCheckpoint[]> {
    const leased = await leasedLayers(layout);
    const cached = await Promise.all(
      (await readCheckpoints(layout)).map(async (checkpoint): Promise<CachedCheckpoint | undefined> => {
        const used = await stat(checkpointPath(layout, checkpoint.key)).catch(() => undefined);
        if (used === undefined) return undefined;
        const sizes = await Promise.all(checkpoint.layers.map(({ name }) => layerBytes(name)));
        return {
          ...checkpoint,
          lastUsedAt: used.mtime.toISOString(),
          bytes: sizes.reduce((sum, size) => sum + size, 0),
          inUse: checkpoint.layers.some(({ name }) => leased.has(name)),
        };
      }),
    );
    return cached
      .filter((one) => one !== undefined)
      .sort((a, b) => compareText(b.lastUsedAt, a.lastUsedAt) || compareText(a.key, b.key));
  }

  async function bytesOf(files: readonly string[]): Promise<number> {
    const sizes = await Promise.all(files.map((file) => allocatedBytes(file).catch(() => 0)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async function machineBytes(name: string): Promise<number> {
    const folder = machinePath(layout, name);
    return bytesOf((await readdir(folder).catch(() => [])).map((file) => join(folder, file)));
  }

  /** Of the layer and of the machine whose disk it was. */
  async function layerBytes(name: string): Promise<number> {
    return (await bytesOf([layerPath(layout, name)])) + (await machineBytes(name));
  }

  /** Bytes of layers that only checkpoints want, each once. */
  async function ownBytes(checkpoints: readonly Checkpoint[]): Promise<number> {
    const images = await readRecords(layout);
    const others = new Set(images.flatMap(({ layers = [] }) => namesOf(layers)));
    const names = new Set(checkpoints.flatMap(({ layers }) => namesOf(layers)));
    const sizes = await Promise.all(
      [...names].map((name) => (others.has(name) ? machineBytes(name) : layerBytes(name))),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async function collectableBytes(checkpoints: readonly CachedCheckpoint[]): Promise<number> {
    return (await ownBytes(checkpoints)) - (await ownBytes(checkpoints.filter(({ inUse }) => inUse)));
  }

  /** @param spare The key of a checkpoint that goes last. */
  async function collectLocked(limit: number, spare?: string) {
    let kept = await list();
    const before = await ownBytes(kept);
    let bytes = before;
    let removed = 0;
    const order = kept.toReversed().sort((a, b) => Number(a.key === spare) - Number(b.key === spare));
    for (const candidate of order) {
      // Nothing at all is to stay, also of what takes no room of its own.
      if (bytes <= limit && limit > 0) break;
      if (candidate.inUse) continue;
      await removeLocked(candidate, candidate.key);
      removed++;
      kept = kept.filter(({ key }) => key !== candidate.key);
      bytes = await ownBytes(kept);
    }
    return { checkpoints: removed, bytes: before - bytes };
  }

  return {
    newLayer: async () => {
      const owner = await nameOfThisProcess();
      const name = `layer-${owner}`;
      // No other build, and no `kiln cache gc`, may take it away before its maker has discarded it.
      await writeLease(join(layout.leases, `${owner}.json`), [name]);
      return { name, path: layerPath(layout, name), state: machinePath(layout, name) };
    },
    sealLayer,
    discardLayers: async (names) => {
      if (names.length === 0) return;
      await using _lock = await lock();
      for (const name of names) await rm(join(layout.leases, `${ownerOfLayer(name)}.json`), { force: true });
      await removeUnwanted(layout, names);
    },
    put,
    get: (key) => readCheckpoint(layout, key),
    open,
    below: async (files, signal) => {
      const isHere = await Promise.all(files.map(async (file) => (await realpath(dirname(file))) === layout.disks));
      const names = files
        .filter((_, index) => isHere[index])
        .map((file) => basename(file, '.qcow2'))
        .filter((name) => ownerOfLayer(name) !== undefined)
        .toReversed();
      if (names.length === 0) return 'none';
      const found = (await readCheckpoints(layout)).find(
        ({ layers }) => layers.map(({ name }) => name).join() === names.join(),
      );
      return found === undefined ? 'lost' : open(found.key, signal);
    },
    remove: async (key) => {
      if (!isCheckpointKey(key)) return;
      await using _lock = await lock();
      await removeLocked(await readCheckpoint(layout, key), key);
    },
    list,
    stats: async () => {
      const checkpoints = await list();
      const why = await whyNoRoom(0, await collectableBytes(checkpoints));
      return {
        checkpoints: checkpoints.length,
        bytes: await ownBytes(checkpoints),
        limitBytes,
        freeBytes: await freeBytes(),
        ...(why === undefined ? {} : { paused: why }),
      };
    },
    paused: () => whyNoRoom(0, 0),
    makeRoom,
    collect: async (limit = limitBytes) => {
      await using _lock = await lock();
      return collectLocked(limit);
    },
  };
}

/** Leases are read without the lock, and by other processes: never a part of one. */
async function writeLease(file: string, layers: readonly string[]): Promise<void> {
  await writeFileAtomic(file, JSON.stringify(layers));
}

async function freeOn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
