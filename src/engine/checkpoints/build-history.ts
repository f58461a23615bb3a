import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Instance, LaunchContext, MachineCheckpoint, UnbootedInstance } from '../../build-host/build-host.ts';
import type { Checkpoint, CheckpointStore, LayerBase, OpenCheckpoint } from '../../image-store/checkpoint-store.ts';
import type { DiskLayer, MachineImage } from '../../image-store/image-store.ts';
import type { Target } from '../../toe/target.ts';
import { coerceError } from '../../util/faults.ts';
import type { Monitor } from '../../util/monitor.ts';
import { untilBootEnds } from './boot-end.ts';
import type { KeyedComponent } from './build-keys.ts';
import type { ComponentInputs } from './component-inputs.ts';
import { bootedAtOf, type ComponentRecord, isOfRuns } from './component-record.ts';
import type { ResourceStates } from './resource-states.ts';
import { watchRepositories } from './watch-repositories.ts';
import { isWorthKeeping } from './worth-keeping.ts';

/** What led to the disk of a build instance, and the layers that hold it. */
export interface BuildHistory {
  /** Of the components whose work was there before the instance. */
  readonly reused: readonly ComponentRecord[];
  /** Of all components so far. */
  readonly records: readonly ComponentRecord[];
  /** Whether the instance began as a machine that an earlier build had kept. */
  readonly goesOn: boolean;
  /** How long it took to boot; undefined when it has not. */
  bootSeconds(): number | undefined;
  /** What a checkpoint of the state now, or an image of it, is to know of what led there. */
  facts(): Readonly<Record<string, unknown>>;
  /** The key of the state after the component with this index, which ran so; undefined when that is another one each time. */
  keyAfter(index: number, executor: 'direct' | 'vm'): string | undefined;
  /** So many components are about to run. */
  begins(count: number, target: Target, signal: AbortSignal): Promise<void>;
  /** It has ended well. On a mounted disk its work is frozen, and becomes a checkpoint when that pays. */
  ended(run: EndedRun, unbooted: UnbootedInstance | undefined, signal: AbortSignal): Promise<void>;
  /** A component has ended well on a machine. The machine as it is becomes a checkpoint when that pays. */
  endedOnMachine(run: EndedRun, instance: Instance, context: LaunchContext): Promise<void>;
  /**
   * A machine has booted the disk as it is, and nothing was done on it since: it becomes a checkpoint when that pays, for all
   * recipes when nothing was done before either.
   */
  booted(instance: Instance, boot: Pick<EndedRun, 'ranAt' | 'seconds'>, context: LaunchContext): Promise<void>;
  /** The same disk as a machine that runs, of an earlier build, before the instance boots it; undefined when there is none. */
  findMachine(signal: AbortSignal): Promise<FoundMachine | undefined>;
  /**
   * The newest state of the machine that is a checkpoint, and how many components have ended well on it since, too quickly to
   * be kept. Undefined where there is none, and where the state now is another one each time.
   */
  newestMachine(): Promise<{ readonly key: string; readonly since: number } | undefined>;
  /** Keeps the state before the next component, whether that pays or not. Gives its key; undefined when it has none. */
  keep(): Promise<string | undefined>;
  /** Resolves when nothing reads the instance any more: before that it must not be stopped. */
  settled(): Promise<void>;
  /** The layers of the disk, the lowest first, when all are written. Rejects when one could not be. */
  layers(): Promise<readonly DiskLayer[]>;
  /** The instance is about to end: a checkpoint of it that is not whole yet is given up. */
  ending(): void;
  /** Lets go of everything when the instance is gone and its disk captured. Never rejects. May be called twice. */
  close(): Promise<void>;
}

export interface EndedRun {
  readonly executor: 'direct' | 'vm';
  readonly seconds: number;
  readonly ranAt: Date;
  /** Whether it is the last one of the recipe. */
  readonly isLast: boolean;
}

/** A machine to go on with in place of a boot. One of both is called. */
export interface FoundMachine extends MachineCheckpoint {
  /** The instance is that machine now. */
  taken(): void;
  /** It cannot be gone on with, and is not to be tried again. */
  spoiled(why: Error): Promise<void>;
}

export interface HistoryOptions {
  readonly store: CheckpointStore;
  readonly imageArn: string;
  readonly parent: MachineImage;
  readonly components: readonly KeyedComponent[];
  readonly states: ResourceStates;
  readonly monitor: Monitor;
  /** What decides what a component does, as it is now. */
  readonly inputsNow: (component: KeyedComponent, signal: AbortSignal) => Promise<ComponentInputs>;
  /** Of a machine that has booted; undefined when none is kept. */
  readonly bootKey: string | undefined;
  /** Looks for a machine on the disk that these led to. */
  readonly machineOn: (records: readonly ComponentRecord[], signal: AbortSignal) => Promise<Checkpoint | undefined>;
  /** Set when the instance goes on from a checkpoint. */
  readonly from: { readonly opened: OpenCheckpoint; readonly records: readonly ComponentRecord[] } | undefined;
}

/** What memory takes when it is compressed, about, as a part of it. */
const COMPRESSED = 0.25;

export function buildHistory(options: HistoryOptions): BuildHistory {
  const { store, parent, states, monitor, from } = options;
  let { components } = options;
  const reused = from?.records ?? [];
  const records = [...reused];
  let bootSeconds: number | undefined;
  let bootedAt = bootedAtOf(from?.opened.checkpoint.facts ?? {});
  const never = new AbortController().signal;
  /** Layers below and, as they get written, those of this build. */
  let written: Promise<readonly DiskLayer[]> = Promise.resolve(from?.opened.checkpoint.layers ?? []);
  let top: LayerBase = baseOf(from?.opened, parent);
  const own: string[] = [];
  /** What the disk lies on. */
  const opened = from === undefined ? [] : [from.opened];
  /** Frozen since the last checkpoint. */
  let pending = { seconds: 0, bytes: 0, layers: 0 };
  let publishing: Promise<unknown> = Promise.resolve();
  /** Ends what is still being written when the instance is gone. */
  const closing = new AbortController();
  /** No layers are taken any more: layers cannot lie on overlays that were not kept. */
  let stopped = false;
  const repositories = watchRepositories(states);

  function ending(): void {
    closing.abort(new Error('the instance has ended'));
  }

  async function freeze(unbooted: UnbootedInstance, signal: AbortSignal): Promise<void> {
    const layer = stopped ? undefined : await nextLayer();
    if (layer === undefined) {
      stopped = true;
      return unbooted.checkpoint(signal);
    }
    const { name, path } = layer;
    await unbooted.checkpoint(signal, path);
    await addLayer(name, path);
  }

  /** Undefined, with a line that says why, where no layer can be made now, or nothing of so many bytes beside it. */
  async function nextLayer(bytes = 0): Promise<Awaited<ReturnType<CheckpointStore['newLayer']>> | undefined> {
    try {
      const why = await store.makeRoom(bytes);
      if (why !== undefined) {
        monitor.line('kiln', `No checkpoints are made: ${why}`);
        return undefined;
      }
      const layer = await store.newLayer();
      own.push(layer.name);
      return layer;
    } catch (error) {
      monitor.line('kiln', `No checkpoints are made: ${coerceError(error).message}`);
      return undefined;
    }
  }

  /** Adds an overlay that was frozen at its place. It may not be whole there before `moved` has ended. */
  async function addLayer(name: string, path: string, moved?: Promise<void>): Promise<void> {
    const below = written;
    const on = top;
    top = { layer: name };
    written = Promise.all([below, moved?.catch(() => {})]).then(async ([layers]) => [
      ...layers,
      await store.sealLayer(name, on, never),
    ]);
    // Whoever needs the layers hears of it.
    written.catch(() => {});
    pending = { ...pending, bytes: pending.bytes + (await stat(path)).blocks * 512, layers: pending.layers + 1 };
  }

  async function keepMachine(
    { name, saved }: { readonly name: string; readonly saved: number },
    { checkpointMachine: keep, memoryInUse }: Instance,
    context: LaunchContext,
  ): Promise<void> {
    // How well it can be compressed shows only then: as much as it is must find room.
    const memory = (await memoryInUse?.()) ?? 0;
    if (!isWorthKeeping(saved, memory * COMPRESSED)) return;
    // One at a time: the machine has one memory.
    await publishing;
    const layer = keep === undefined || stopped ? undefined : await nextLayer(memory);
    if (keep === undefined || layer === undefined) return;
    const frozen = Promise.withResolvers<true>();
    const within = { signal: closing.signal, monitor: context.monitor, onFrozen: () => frozen.resolve(true) };
    const kept = keep({ disk: layer.path, state: layer.state }, within);
    const ended = kept.then(
      () => true,
      () => false,
    );
    // Memory is written while the guest goes on. Once its disk is frozen nothing that is done later is in it.
    if (await Promise.race([frozen.promise, ended])) {
      await addLayer(layer.name, layer.path, kept);
      publish(name, kept);
    } else {
      await kept.catch((error: unknown) => {
        context.signal.throwIfAborted();
        tellLost(name, error);
      });
    }
  }

  function facts(): Readonly<Record<string, unknown>> {
    const known = { components: records.slice(), image: options.imageArn };
    return bootedAt === undefined ? known : { ...known, bootedAt };
  }

  /** Of the disk, or of a machine that runs on it. */
  function keyNow(executor: 'direct' | 'vm'): string | undefined {
    const last = components[records.length - 1];
    if (executor === 'direct') return last?.key;
    return records.length === 0 ? options.bootKey : last?.machineKey;
  }

  /** The machine that was kept after just these, by this build or by that whose work they are. */
  async function machineAfter(these: readonly ComponentRecord[]): Promise<Checkpoint | undefined> {
    const key = these.length === 0 ? options.bootKey : components[these.length - 1]?.machineKey;
    const found = key === undefined ? undefined : await store.get(key);
    if (found?.hasMachine !== true) return undefined;
    return these.length === 0 || isOfRuns(found, these) ? found : undefined;
  }

  async function note(
    { executor, seconds, ranAt }: EndedRun,
    signal: AbortSignal,
  ): Promise<KeyedComponent | undefined> {
    const component = components[records.length];
    if (component === undefined) return undefined;
    const { document, name, inputs } = component;
    const used = inputs.usesApt ? await repositories.after(records.length + 1, signal) : undefined;
    records.push({
      ...{ component: document.id, name, executor, seconds, ranAt: ranAt.toISOString(), image: options.imageArn },
      ...(used === undefined ? {} : { repositories: used }),
    });
    pending = { ...pending, seconds: pending.seconds + seconds };
    await forgetKeysOfChanged(component, signal);
    return components[records.length - 1];
  }

  /** Keys say what a component was to take in when the build began: what it took in may be newer. */
  async function forgetKeysOfChanged(component: KeyedComponent, signal: AbortSignal): Promise<void> {
    const { inputs, key, name } = component;
    if (key === undefined || Object.keys(inputs.values).length === 0) return;
    // What cannot be asked for any more is not what it was; the build does not need it.
    const now = await options.inputsNow(component, signal).catch(() => undefined);
    signal.throwIfAborted();
    if (isDeepStrictEqual(now?.values, inputs.values)) return;
    const before = components.indexOf(component);
    components = components.map((one, index) =>
      index < before ? one : { ...one, key: undefined, machineKey: undefined },
    );
    monitor.line(
      'kiln',
      `What ${name} takes in has changed since the build began: nothing from it on is kept for others`,
    );
  }

  /** Makes what is frozen a checkpoint, after those before it. */
  function publish(name: string, machine?: Promise<void>): void {
    const key = keyNow(machine === undefined ? 'direct' : 'vm');
    if (key === undefined || pending.layers === 0) return;
    const known = facts();
    pending = { seconds: 0, bytes: 0, layers: 0 };
    publishing = Promise.all([written, publishing, machine])
      .then(([layers]) =>
        store.put(
          {
            ...{ key, parentAmiId: parent.amiId, layers, facts: known },
            ...(machine === undefined ? {} : { hasMachine: true }),
          },
          never,
        ),
      )
      .catch((error: unknown) => tellLost(name, error));
  }

  function tellLost(name: string, error: unknown): void {
    // What is said of it then is that nobody answers any more.
    const why = closing.signal.aborted ? 'the instance ended before it was written' : coerceError(error).message;
    monitor.line('kiln', `No checkpoint after ${name}: ${why}`);
  }

  return {
    reused,
    records,
    goesOn: from?.opened.state !== undefined,
    bootSeconds: () => bootSeconds,
    facts,
    keyAfter: (index, executor) => components[index]?.[executor === 'vm' ? 'machineKey' : 'key'],
    begins: async (count, target, signal) => {
      const next = components.slice(records.length, records.length + count);
      if (next.some(({ inputs }) => inputs.usesApt)) await repositories.before(target, records.length, signal);
    },
    ended: async (run, unbooted, signal) => {
      const component = await note(run, signal);
      if (component === undefined || unbooted === undefined) return;
      // After the last one there is nothing to roll back to.
      if (run.isLast && (component.key === undefined || !isWorthKeeping(pending.seconds, 0))) return;
      await freeze(unbooted, signal);
      if (isWorthKeeping(pending.seconds, pending.bytes)) publish(component.name);
    },
    endedOnMachine: async (run, instance, context) => {
      const component = await note(run, context.signal);
      if (options.bootKey === undefined) return;
      if (component?.machineKey === undefined || run.isLast) return;
      await keepMachine({ name: component.name, saved: pending.seconds }, instance, context);
    },
    booted: async (instance, { ranAt, seconds }, context) => {
      if (instance.unbooted !== undefined) return;
      bootedAt = ranAt.toISOString();
      bootSeconds = seconds;
      if (options.bootKey === undefined || keyNow('vm') === undefined) return;
      // A test instance is wanted at once, and has nothing but its tests to do.
      if (components.length > 0) await untilBootEnds(instance, seconds, context);
      await keepMachine({ name: 'the boot', saved: seconds }, instance, context);
    },
    findMachine: async (signal) => {
      const found = await options.machineOn(records, signal);
      if (found === undefined) return undefined;
      const remove = async (why: Error): Promise<void> => {
        monitor.line('kiln', `The machine that was kept on this disk cannot be used and is removed: ${why.message}`);
        await store.remove(found.key);
      };
      let machine: OpenCheckpoint;
      try {
        machine = await store.open(found.key, signal);
      } catch (error) {
        signal.throwIfAborted();
        await remove(coerceError(error));
        return undefined;
      }
      return {
        disk: machine.path,
        state: machine.state ?? '',
        taken: () => {
          opened.push(machine);
          bootedAt = bootedAtOf(machine.checkpoint.facts);
          // Its layers are those of the build that made it, though the work in them is the same.
          written = written.catch(() => []).then(() => machine.checkpoint.layers);
          top = baseOf(machine, parent);
          pending = { seconds: 0, bytes: 0, layers: 0 };
          stopped = false;
        },
        spoiled: async (why) => {
          await machine.release();
          await remove(why);
        },
      };
    },
    newestMachine: async () => {
      await publishing;
      if (keyNow('vm') === undefined) return undefined;
      for (let since = 0; ; since++) {
        const found = await machineAfter(records.slice(0, records.length - since));
        if (found !== undefined) return { key: found.key, since };
        // What ran on the mounted disk cannot be run again on a machine.
        if (records.at(-1 - since)?.executor !== 'vm') return undefined;
      }
    },
    keep: async () => {
      const last = records.at(-1);
      if (last === undefined) return undefined;
      publish(last.name);
      await publishing;
      const key = keyNow('direct');
      return key === undefined ? undefined : (await store.get(key))?.key;
    },
    settled: async () => {
      await publishing;
    },
    layers: () => written,
    ending,
    close: async () => {
      ending();
      await publishing;
      await written.catch(() => {});
      for (const one of opened.splice(0)) await one.release();
      await store.discardLayers(own.splice(0)).catch((error: unknown) => {
        monitor.line('kiln', `Layers of the disk could not be removed: ${coerceError(error).message}`);
      });
    },
  };
}

function baseOf(opened: OpenCheckpoint | undefined, parent: MachineImage): LayerBase {
  const name = opened?.checkpoint.layers.at(-1)?.name;
  return name === undefined ? { digest: parent.digest } : { layer: name };
}
