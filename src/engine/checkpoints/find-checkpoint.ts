import type { Checkpoint, CheckpointStore } from '../../image-store/checkpoint-store.ts';
import type { KeyedComponent } from './build-keys.ts';
import type { CacheHint } from './cache-hint.ts';
import { type ComponentRecord, readComponentRecords } from './component-record.ts';
import { staleness } from './freshness.ts';
import type { ResourceStates } from './resource-states.ts';

/** A checkpoint from which a build may go on. */
export interface UsableCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Of the components whose work it holds, in the order of the recipe. */
  readonly records: readonly ComponentRecord[];
}

export interface CheckpointSearch {
  readonly store: CheckpointStore;
  readonly components: readonly KeyedComponent[];
  /** For a machine: the key of one that has booted. */
  readonly bootKey?: string | undefined;
  readonly ofBuild: CacheHint | undefined;
  readonly parentAmiId: string;
  readonly states: ResourceStates;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/**
 * The checkpoints from which a build may go on, the one that saves most first. `onStale` is told of a component whose work
 * is there and too old.
 */
export async function usableCheckpoints(
  search: CheckpointSearch,
  onStale: (component: string, why: string) => void,
): Promise<readonly UsableCheckpoint[]> {
  const { store, components, parentAmiId } = search;
  const usable: UsableCheckpoint[] = [];
  const told = new Set<string>();
  for (const [index, { key }] of [...components.entries()].toReversed()) {
    const checkpoint = key === undefined ? undefined : await store.get(key);
    // Two parents may have one disk; the layers name that disk, and the image that is made names its own parent.
    if (checkpoint === undefined || checkpoint.parentAmiId !== parentAmiId) continue;
    // The disk of a machine is of no use without its memory, and the other way round.
    if ((checkpoint.hasMachine === true) !== (search.bootKey !== undefined)) continue;
    const records = readComponentRecords(checkpoint.facts);
    if (records?.length !== index + 1) continue;
    const stale = await firstStale(search, records);
    if (stale === undefined) usable.push({ checkpoint, records });
    else if (!told.has(stale.component)) {
      told.add(stale.component);
      onStale(stale.component, stale.why);
    }
  }
  const booted = search.bootKey === undefined ? undefined : await store.get(search.bootKey);
  // Whichever image of that disk it was: the key has the disk.
  if (booted?.hasMachine === true) usable.push({ checkpoint: booted, records: [] });
  return usable;
}

/** The first component whose record does not stand for what it would do now. */
export async function firstStale(
  { components, ofBuild, states, now, signal }: Omit<CheckpointSearch, 'store' | 'parentAmiId' | 'bootKey'>,
  records: readonly ComponentRecord[],
): Promise<{ readonly component: string; readonly why: string } | undefined> {
  for (const [index, record] of records.entries()) {
    const component = components[index];
    if (component === undefined) continue;
    const rule = { hint: component.hint, ofBuild, fetches: component.inputs.fetches };
    const why = await staleness(record, rule, { now, states, signal });
    if (why !== undefined) return { component: component.name, why };
  }
  return undefined;
}
