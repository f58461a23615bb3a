import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Checkpoint, CheckpointStore } from '../../image-store/checkpoint-store.ts';
import { BuilderFault } from '../../util/faults.ts';

/** Checkpoints of the disks of the simulated build host, which are folders. */
export interface SimulatedCheckpoints extends CheckpointStore {
  readonly checkpoints: Map<string, Checkpoint>;
  /** Layers that are there. */
  readonly layers: Set<string>;
  /** Checkpoints that builds work on. */
  readonly inUse: Set<string>;
  /** What throws here is what the operation throws. */
  readonly faults: {
    put?: (key: string) => Promise<void>;
    seal?: () => Promise<void>;
    paused?: string;
    /** Default: as much as is asked for. */
    roomBytes?: number;
  };
}

export function simulatedCheckpoints(folder: string): SimulatedCheckpoints {
  const checkpoints = new Map<string, Checkpoint>();
  const layers = new Set<string>();
  const inUse = new Set<string>();
  const faults: SimulatedCheckpoints['faults'] = {};
  const placeOf = (name: string): string => path.join(folder, 'layers', name);
  /** Checkpoints that are held, also those whose keys are others' by now. */
  const held = new Set<Checkpoint>();
  const isNamed = (name: string): boolean =>
    [...checkpoints.values(), ...held].some((checkpoint) => checkpoint.layers.some((layer) => layer.name === name));
  const drop = async (name: string): Promise<void> => {
    if (isNamed(name)) return;
    layers.delete(name);
    await rm(placeOf(name), { recursive: true, force: true });
  };
  const store: SimulatedCheckpoints = {
    checkpoints,
    layers,
    inUse,
    faults,
    newLayer: async () => {
      await mkdir(path.join(folder, 'layers'), { recursive: true });
      const name = `layer-${randomUUID()}`;
      layers.add(name);
      return { name, path: placeOf(name), state: `${placeOf(name)}.machine` };
    },
    sealLayer: async (name) => {
      await faults.seal?.();
      await stat(placeOf(name));
      return { name, digest: '0'.repeat(64) };
    },
    discardLayers: async (names) => {
      for (const name of names) await drop(name);
    },
    put: async (checkpoint) => {
      await faults.put?.(checkpoint.key);
      checkpoints.set(checkpoint.key, { ...checkpoint, createdAt: new Date().toISOString() });
    },
    get: async (key) => checkpoints.get(key),
    open: async (key) => {
      const checkpoint = checkpoints.get(key);
      const name = checkpoint?.layers.at(-1)?.name ?? '';
      if (checkpoint === undefined || !layers.has(name)) throw new BuilderFault('A layer of the checkpoint is missing');
      inUse.add(key);
      const own = { ...checkpoint };
      held.add(own);
      return {
        checkpoint,
        path: placeOf(name),
        ...(checkpoint.hasMachine === true ? { state: `${placeOf(name)}.machine` } : {}),
        release: async () => {
          inUse.delete(key);
          held.delete(own);
        },
      };
    },
    below: async (files) => {
      const names = files.map((file) => path.basename(file)).filter((name) => name.startsWith('layer-'));
      if (names.length === 0) return 'none';
      const top = [...checkpoints.values()].find((one) => one.layers.at(-1)?.name === names[0]);
      return top === undefined ? 'lost' : store.open(top.key, new AbortController().signal);
    },
    remove: async (key) => {
      const checkpoint = checkpoints.get(key);
      checkpoints.delete(key);
      for (const { name } of checkpoint?.layers ?? []) await drop(name);
    },
    list: async () =>
      [...checkpoints.values()].map((one) => ({
        ...{ ...one, lastUsedAt: one.createdAt, bytes: 0, inUse: inUse.has(one.key) },
      })),
    stats: async () => ({ checkpoints: checkpoints.size, bytes: 0, limitBytes: 0, freeBytes: 0 }),
    paused: async () => faults.paused,
    makeRoom: async (bytes) =>
      faults.paused ?? (bytes > (faults.roomBytes ?? bytes) ? `${bytes} bytes are too many` : undefined),
    collect: async () => ({ checkpoints: 0, bytes: 0 }),
  };
  return store;
}
