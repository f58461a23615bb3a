import type { DiskLayer } from './image-store.ts';

/** A state of a disk that a build went through, under the content key of everything that led there. */
export interface Checkpoint {
  /** 64 hex digits. */
  readonly key: string;
  /** The machine image on which the lowest layer lies. */
  readonly parentAmiId: string;
  /** The lowest first; at least one. */
  readonly layers: readonly DiskLayer[];
  /** Whether the memory of a running machine belongs to it: then its disk is of no use without that. */
  readonly hasMachine?: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
  /** What its maker wants to know of it again. The store does not look at it. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A checkpoint as the cache shows it. */
export interface CachedCheckpoint extends Checkpoint {
  /** ISO 8601. */
  readonly lastUsedAt: string;
  /** Bytes of its layers; checkpoints share layers. */
  readonly bytes: number;
  /** Whether a build works on its layers now. */
  readonly inUse: boolean;
}

export interface CacheStatistics {
  readonly checkpoints: number;
  /** Bytes of all layers of checkpoints, each once, without those that belong to a machine image anyway. */
  readonly bytes: number;
  readonly limitBytes: number;
  /** Free on the file system. */
  readonly freeBytes: number;
  /** Set while no checkpoints are made, because the disk has no room and removing others would give none: why. */
  readonly paused?: string;
}

/** A checkpoint that stays until it is let go of. */
export interface OpenCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The disk to put an overlay on. */
  readonly path: string;
  /** The folder with the state of the machine, when it has one. */
  readonly state?: string;
  release(): Promise<void>;
}

/**
 * Checkpoints of builds, kept beside the machine images and made of the same kind of files.
 *
 * - A checkpoint appears whole or not at all; of two that are put under one key at once the later stays. A killed process
 *   leaves nothing that the next start does not remove.
 * - `open` checks that the layers and the disks below them are there and unchanged, and rejects with a BuilderFault that
 *   says what is wrong. The caller removes such a checkpoint.
 * - What the configured size has no room for is removed, the least recently used first; never what a machine image needs
 *   or a build works on.
 */
export interface CheckpointStore {
  /**
   * Where the next frozen overlay of an instance belongs, and a folder for the state of the machine that it is the disk of.
   * Nothing is there yet. It is the caller's until discarded.
   */
  newLayer(): Promise<{ readonly name: string; readonly path: string; readonly state: string }>;
  /** Makes a frozen overlay at its place a layer: named by what it is on, read-only, on the platter, its content known. */
  sealLayer(name: string, on: LayerBase, signal: AbortSignal): Promise<DiskLayer>;
  /** Lets go of layers; those that no checkpoint and no machine image names are removed. */
  discardLayers(names: readonly string[]): Promise<void>;
  put(checkpoint: Omit<Checkpoint, 'createdAt'>, signal: AbortSignal): Promise<void>;
  get(key: string): Promise<Checkpoint | undefined>;
  open(key: string, signal: AbortSignal): Promise<OpenCheckpoint>;
  /**
   * The checkpoint on which a disk lies, from the files below it, the uppermost first; held as by `open`. `none` when no layer
   * is among them, `lost` when the layers are those of no checkpoint.
   */
  below(files: readonly string[], signal: AbortSignal): Promise<OpenCheckpoint | 'none' | 'lost'>;
  remove(key: string): Promise<void>;
  /** The most recently used first. */
  list(): Promise<readonly CachedCheckpoint[]>;
  stats(): Promise<CacheStatistics>;
  /** Whether the disk has less room than is to be left to builds: why; undefined when it has more. */
  paused(): Promise<string | undefined>;
  /**
   * Sees to it that a checkpoint of so many bytes can be written and builds still have their room: what others left goes for
   * it, the least recently used first. Gives why it cannot be, and removes nothing then.
   */
  makeRoom(bytes: number): Promise<string | undefined>;
  /** Brings the cache to at most `limitBytes` (default: the configured size). Gives what was removed. */
  collect(limitBytes?: number): Promise<{ readonly checkpoints: number; readonly bytes: number }>;
}

/** What a layer lies on: a layer, or the disk of a machine image by its digest. */
export type LayerBase = { readonly layer: string } | { readonly digest: string };
