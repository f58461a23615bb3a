import { readdir, readFile } from 'node:fs/promises';
import type { Checkpoint } from '../checkpoint-store.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { checkpointPath, isAmiId, isCheckpointKey, type Layout, ownerOfLayer } from './layout.ts';

/** Raised when a field changes its meaning. Records of another version are as good as none. */
const RECORD_VERSION = 1;

export async function writeCheckpoint(layout: Layout, checkpoint: Checkpoint): Promise<void> {
  const record = { recordVersion: RECORD_VERSION, ...checkpoint };
  await writeFileAtomic(checkpointPath(layout, checkpoint.key), `${JSON.stringify(record)}\n`);
}

/** Undefined when there is none, or none that can be read: a cache that is broken is an empty one. */
export async function readCheckpoint(layout: Layout, key: string): Promise<Checkpoint | undefined> {
  if (!isCheckpointKey(key)) return undefined;
  const text = await readFile(checkpointPath(layout, key), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return decode(text, key);
}

export async function readCheckpoints(layout: Layout): Promise<readonly Checkpoint[]> {
  const keys = (await readdir(layout.checkpoints)).map((name) => name.replace(/\.json$/, '')).filter(isCheckpointKey);
  const checkpoints = await Promise.all(keys.map((key) => readCheckpoint(layout, key)));
  return checkpoints.filter((checkpoint) => checkpoint !== undefined);
}

function decode(text: string, key: string): Checkpoint | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(record) || record['recordVersion'] !== RECORD_VERSION || record['key'] !== key) return undefined;
  const { parentAmiId, layers, createdAt, facts, hasMachine } = record;
  if (typeof parentAmiId !== 'string' || !isAmiId(parentAmiId) || typeof createdAt !== 'string') return undefined;
  if (!isRecord(facts) || !Array.isArray(layers) || layers.length === 0) return undefined;
  const checked = layers.map((layer: unknown) => {
    if (!isRecord(layer) || typeof layer['name'] !== 'string' || typeof layer['digest'] !== 'string') return undefined;
    if (ownerOfLayer(layer['name']) === undefined || !/^[0-9a-f]{64}$/.test(layer['digest'])) return undefined;
    return { name: layer['name'], digest: layer['digest'] };
  });
  if (checked.includes(undefined)) return undefined;
  return {
    ...{ key, parentAmiId, layers: checked.filter((layer) => layer !== undefined), createdAt, facts },
    ...(hasMachine === true ? { hasMachine } : {}),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
