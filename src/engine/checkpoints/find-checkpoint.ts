import type { Checkpoint, CheckpointStore } from '../../image-store/checkpoint-store.ts';
import { runningSystemNeed } from '../needs-running-system.ts';
import { BUILD_PHASES, type KeyedComponent } from './build-keys.ts';
import type { CacheHint } from './cache-hint.ts';
import { bootedAtOf, type ComponentRecord, imageOf, isOfRuns, readComponentRecords } from './component-record.ts';
import { bootStaleness, staleness } from './freshness.ts';
import type { ResourceStates } from './resource-states.ts';

/** What is told of it in place of a component's name. */
export const USER_DATA = 'user data';

/** A checkpoint from which a build may go on. */
export interface UsableCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Of the components whose work it holds, in the order of the recipe. */
  readonly records: readonly ComponentRecord[];
}

export interface CheckpointSearch {
  readonly store: CheckpointStore;
  readonly components: readonly KeyedComponent[];
  /** Whether the disk may be mounted. */
  readonly disks: boolean;
  /** The key of a machine that has booted the parent's disk; undefined where no machine may go on. */
  readonly bootKey?: string | undefined;
  /** Whether a boot does what user data says: then it counts for as long as a component that runs programs. */
  readonly hasUserData: boolean;
  readonly ofBuild: CacheHint | undefined;
  /** The image that is built: what its own build left stands as it is. Undefined where no build goes on with its own work. */
  readonly imageArn?: string | undefined;
  /** Whether what other builds left does not count. */
  readonly onlyOwn?: boolean;
  readonly parentAmiId: string;
  readonly states: ResourceStates;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/**
 * The checkpoints from which a build may go on, the one that saves most first. `onStale` is told of a component whose work
 * is there and too old. Of a disk and a machine with the same work the machine comes first when what is next needs one.
 */
export async function usableCheckpoints(
  search: CheckpointSearch,
  onStale: (component: string, why: string) => void,
): Promise<readonly UsableCheckpoint[]> {
  const { store, components, parentAmiId, disks, bootKey } = search;
  const usable: UsableCheckpoint[] = [];
  const told = new Set<string>();
  async function addUsable(checkpoint: Checkpoint, records: readonly ComponentRecord[]): Promise<void> {
    const stale = await whyNot(search, checkpoint, records);
    if (stale === undefined) usable.push({ checkpoint, records });
    else if (stale !== 'not-own' && !told.has(stale.component)) {
      told.add(stale.component);
      onStale(stale.component, stale.why);
    }
  }
  for (const [index, { key, machineKey }] of [...components.entries()].toReversed()) {
    // The disk of a machine is of no use without its memory, and the other way round.
    const disk = { key: disks ? key : undefined, hasMachine: false };
    const machine = { key: bootKey === undefined ? undefined : machineKey, hasMachine: true };
    for (const wanted of needsMachine(components[index + 1]) ? [machine, disk] : [disk, machine]) {
      const checkpoint = wanted.key === undefined ? undefined : await store.get(wanted.key);
      // Two parents may have one disk; the layers name that disk, and the image that is made names its own parent.
      if (checkpoint === undefined || checkpoint.parentAmiId !== parentAmiId) continue;
      if ((checkpoint.hasMachine === true) !== wanted.hasMachine) continue;
      const records = readComponentRecords(checkpoint.facts);
      if (records?.length === index + 1) await addUsable(checkpoint, records);
    }
  }
  // What can be mounted as it is needs no machine before something asks for one.
  const booted =
    bootKey === undefined || (disks && !needsMachine(components[0])) ? undefined : await store.get(bootKey);
  // Whichever image of that disk it was: the key has the disk.
  if (booted?.hasMachine === true) await addUsable(booted, []);
  return usable;
}

/** A build that was interrupted, or that failed and is retried, goes on with its own work, however old that is. */
function isOwn({ imageArn }: CheckpointSearch, { facts }: Checkpoint): boolean {
  return imageArn !== undefined && imageOf(facts) === imageArn;
}

async function whyNot(search: CheckpointSearch, checkpoint: Checkpoint, records: readonly ComponentRecord[]) {
  if (isOwn(search, checkpoint)) return undefined;
  return search.onlyOwn === true ? 'not-own' : firstStale(search, records, bootedAtOf(checkpoint.facts));
}

/** Whether the component says so beforehand. */
export function needsMachine(component: KeyedComponent | undefined): boolean {
  return (
    component !== undefined &&
    runningSystemNeed(component.document.document, BUILD_PHASES, component.document.parameters) !== undefined
  );
}

/**
 * The machine that runs on the disk to which `records` led: with that very work, and nothing that is too old. Undefined when
 * there is none.
 */
export async function machineOn(
  search: CheckpointSearch,
  records: readonly ComponentRecord[],
): Promise<Checkpoint | undefined> {
  const { store, components, parentAmiId, bootKey } = search;
  const key = records.length === 0 ? bootKey : components[records.length - 1]?.machineKey;
  const checkpoint = bootKey === undefined || key === undefined ? undefined : await store.get(key);
  if (checkpoint?.hasMachine !== true) return undefined;
  if (records.length === 0) return (await whyNot(search, checkpoint, [])) === undefined ? checkpoint : undefined;
  if (checkpoint.parentAmiId !== parentAmiId || !isOfRuns(checkpoint, records)) return undefined;
  return (await whyNot(search, checkpoint, records)) === undefined ? checkpoint : undefined;
}

/**
 * The first of what led to a disk that does not stand for what it would do now: user data, or the component of a record.
 *
 * @param bootedAt When the machine booted; undefined when none did.
 */
export async function firstStale(
  {
    components,
    hasUserData,
    ofBuild,
    states,
    now,
    signal,
  }: Pick<CheckpointSearch, 'components' | 'hasUserData' | 'ofBuild' | 'states' | 'now' | 'signal'>,
  records: readonly ComponentRecord[],
  bootedAt: string | undefined,
): Promise<{ readonly component: string; readonly why: string } | undefined> {
  const boot = hasUserData && bootedAt !== undefined ? bootStaleness(bootedAt, ofBuild, now) : undefined;
  if (boot !== undefined) return { component: USER_DATA, why: boot };
  for (const [index, record] of records.entries()) {
    const component = components[index];
    if (component === undefined) continue;
    const rule = { hint: component.hint, ofBuild, fetches: component.inputs.fetches };
    const why = await staleness(record, rule, { now, states, signal });
    if (why !== undefined) return { component: component.name, why };
  }
  return undefined;
}
