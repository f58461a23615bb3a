import type { Executor } from '../../build-host/build-host.ts';
import { parseArn } from '../../contract/arn.ts';
import type { CheckpointStore } from '../../image-store/checkpoint-store.ts';
import type { MachineImage } from '../../image-store/image-store.ts';
import { findImage } from '../../state/find-resource.ts';
import type { RunnableDocument } from '../../toe/run-documents.types.ts';
import { coerceError } from '../../util/faults.ts';
import type { Monitor } from '../../util/monitor.ts';
import type { BuildPlan } from '../build-plan.ts';
import { componentSource } from '../component-source.ts';
import type { Engine } from '../engine.ts';
import { type BuildGround, buildGround, launchedTypesOf } from './build-ground.ts';
import { type BuildHistory, buildHistory } from './build-history.ts';
import { BUILD_PHASES, bootKey as bootKeyOf, type KeyedComponent } from './build-keys.ts';
import { askedHintOf, buildHintOf, type CacheHint, cacheHintOf, describeHint } from './cache-hint.ts';
import { componentInputs, type InputSources } from './component-inputs.ts';
import type { ComponentRecord } from './component-record.ts';
import { type CheckpointSearch, machineOn, usableCheckpoints } from './find-checkpoint.ts';
import { type BuildContents, readContents } from './read-contents.ts';
import { type ResourceStates, resourceStates } from './resource-states.ts';
import { simpleBuildOf } from './simple-build.ts';

/** What one build may take over from earlier ones, and leaves to later ones. */
export interface BuildCache extends BuildContents {
  readonly ofBuild: CacheHint | undefined;
  readonly states: ResourceStates;
  /** Whether anything of other builds may be taken over. */
  readonly mayReuse: boolean;
  /**
   * Where the build instance may start, the place that saves most first; the last one is the parent's own disk. Each place
   * is opened when it is asked for: whoever takes one closes its history.
   */
  startingPoints(executor: Executor, monitor: Monitor, signal: AbortSignal): AsyncGenerator<StartingPoint>;
  /** As {@link startingPoints}, for an instance that the new image is tested on: after its own first boot, or before it. */
  testStartingPoints(image: MachineImage, monitor: Monitor, signal: AbortSignal): AsyncGenerator<StartingPoint>;
}

export interface StartingPoint {
  /** Undefined: the parent's disk. */
  readonly disk: string | undefined;
  /** The folder of the machine that goes on, when it is one. */
  readonly state?: string | undefined;
  readonly history: BuildHistory;
  /** The start has failed: it is not to be tried again. */
  spoiled(why: Error): Promise<void>;
}

/**
 * Reads what decides what a build makes. Undefined, and a line that says why, when its workflow is of a kind of which Kiln
 * does not know what it makes of a disk.
 */
export async function openBuildCache(
  engine: Engine,
  plan: BuildPlan,
  { monitor, signal }: { readonly monitor: Monitor; readonly signal: AbortSignal },
): Promise<BuildCache | undefined> {
  const { checkpoints: store } = engine;
  if (store === undefined) return undefined;
  const workflow = simpleBuildOf(plan.workflows);
  if (workflow === undefined) {
    monitor.line('kiln', 'Nothing is reused or kept for later builds: the build workflow is not of the usual form');
    return undefined;
  }
  const image = await findImage(engine.db, plan.imageArn);
  const ofBuild = image === undefined ? undefined : buildHintOf(image);
  if (image !== undefined && ofBuild?.kind === 'never') {
    const why = askedHintOf(image) === undefined ? 'builds that a schedule starts begin anew' : 'as asked for';
    monitor.line('kiln', `Nothing is reused of earlier builds: ${why}`);
  } else if (ofBuild !== undefined) {
    monitor.line('kiln', `What earlier builds did counts for: ${describeHint(ofBuild)}`);
  }

  const sources = inputSources(engine, plan, signal);
  const { states } = sources;
  const contents = await readContents({
    ...sources,
    ground: groundOf(engine, plan, launchedTypesOf(workflow)),
    components: plan.components,
    hints: await hintsOf(engine, plan.components),
    workflows: plan.workflows,
  });
  const { components } = contents;
  const mayReuse = ofBuild?.kind !== 'never';
  for (const { name, inputs, hint } of components) {
    const why = inputs.varying ?? (hint?.kind === 'never' ? 'it is never to be reused' : undefined);
    if (why !== undefined) monitor.line('kiln', `${name} runs in every build, and what comes after it too: ${why}`);
  }
  return {
    ...contents,
    ofBuild,
    states,
    mayReuse,
    startingPoints: (executor, within, until) =>
      startingPoints(
        { store, plan, contents, ofBuild, states, engine, mayReuse, goesOn: true },
        executor,
        within,
        until,
      ),
    testStartingPoints: (tested, within, until) => {
      // Nothing is done to it before its tests: only that it has booted is kept.
      const { digest, layers = [] } = tested;
      const bootKey = bootKeyOf({
        ...groundOf(engine, plan),
        parentDigest: [digest, ...layers.map((one) => one.digest)].join(' '),
      });
      const nothing = { ...contents, components: [], bootKey };
      const ofImage = {
        store,
        plan: { ...plan, parent: tested },
        contents: nothing,
        ofBuild,
        states,
        engine,
        mayReuse,
        goesOn: false,
      };
      return startingPoints(ofImage, 'vm', within, until);
    },
  };
}

/** What there is to take in now. */
function inputSources(engine: Engine, plan: BuildPlan, signal: AbortSignal): InputSources {
  return {
    environment: { IMAGE_PIPELINE_ARN: plan.pipelineArn ?? '', IMAGE_VERSION: plan.version },
    services: { ...engine.services, components: componentSource(engine, plan.imageArn) },
    states: resourceStates(engine.webRequest, engine.services?.objects),
    today: engine.clock.now().toISOString().slice(0, 10),
    signal,
  };
}

interface StartOptions {
  readonly store: CheckpointStore;
  readonly plan: BuildPlan;
  readonly contents: BuildContents;
  readonly ofBuild: CacheHint | undefined;
  readonly states: ResourceStates;
  readonly engine: Engine;
  readonly mayReuse: boolean;
  /** Whether what the build itself left before it was interrupted, or failed, counts in any case. */
  readonly goesOn: boolean;
}

async function* startingPoints(
  { store, plan, contents, ofBuild, states, engine, mayReuse, goesOn }: StartOptions,
  executor: Executor,
  monitor: Monitor,
  signal: AbortSignal,
): AsyncGenerator<StartingPoint> {
  const parent: MachineImage = plan.parent;
  const { components } = contents;
  const bootKey = executor === 'direct' ? undefined : contents.bootKey;
  const search: Omit<CheckpointSearch, 'signal'> = {
    store,
    components,
    disks: executor !== 'vm',
    bootKey,
    hasUserData: contents.hasUserData,
    ofBuild,
    ...(goesOn ? { imageArn: plan.imageArn } : {}),
    onlyOwn: !mayReuse,
    parentAmiId: parent.amiId,
    states,
    now: engine.clock.now(),
  };
  const common = {
    ...{ bootKey, store, imageArn: plan.imageArn, parent, components, states, monitor },
    inputsNow: ({ document }: KeyedComponent, within: AbortSignal) =>
      componentInputs(document, BUILD_PHASES, inputSources(engine, plan, within)),
    machineOn: (records: readonly ComponentRecord[], within: AbortSignal) =>
      machineOn({ ...search, signal: within }, records),
  };
  const onStale = (name: string, why: string): void => monitor.line('kiln', `${name} runs again: ${why}`);
  const usable = await usableCheckpoints({ ...search, signal }, onStale);
  for (const { checkpoint, records } of usable) {
    const { key } = checkpoint;
    const last = records.at(-1)?.name ?? 'the boot';
    const give = async (why: Error): Promise<void> => {
      monitor.line('kiln', `The checkpoint after ${last} cannot be used and is removed: ${why.message}`);
      await store.remove(key);
    };
    let opened: Awaited<ReturnType<CheckpointStore['open']>>;
    try {
      opened = await store.open(key, signal);
    } catch (error) {
      signal.throwIfAborted();
      await give(coerceError(error));
      continue;
    }
    for (const { name, ranAt, image } of records)
      monitor.line('kiln', `${name} is reused: it ran at ${ranAt} for ${image}`);
    if (records.length === 0) monitor.line('kiln', `A machine that has booted ${parent.amiId} goes on`);
    yield {
      disk: opened.path,
      state: opened.state,
      history: buildHistory({ ...common, from: { opened, records } }),
      spoiled: give,
    };
  }
  yield { disk: undefined, history: buildHistory({ ...common, from: undefined }), spoiled: async () => {} };
}

async function hintsOf({ db }: Engine, components: readonly RunnableDocument[]): Promise<Map<string, CacheHint>> {
  const hints = new Map<string, CacheHint>();
  if (components.length === 0) return hints;
  const ids = components.map(({ id }) => id);
  const rows = await db.selectFrom('resources').select(['arn', 'tags']).where('arn', 'in', ids).execute();
  for (const { arn, tags } of rows) {
    const hint = cacheHintOf(tags, arn);
    if (hint !== undefined) hints.set(arn, hint);
  }
  return hints;
}

/** @param launchedTypes Of the instance. Default: those of the plan. */
function groundOf(engine: Engine, plan: BuildPlan, launchedTypes?: readonly string[]): BuildGround {
  const { userData, parent, imageArn } = plan;
  return buildGround(plan, {
    parentDigest: parent.digest,
    userData: userData === undefined ? undefined : Buffer.from(userData).toString('base64'),
    accountId: parseArn(imageArn)?.owner ?? engine.accountId,
    region: engine.region,
    machineFacts: engine.machineFacts,
    ...(launchedTypes === undefined ? {} : { launchedTypes }),
  });
}
