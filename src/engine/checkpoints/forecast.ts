import type { Executor } from '../../build-host/build-host.ts';
import type { WorkflowType } from '../../documents/workflow-actions.ts';
import type { CheckpointStore } from '../../image-store/checkpoint-store.ts';
import type { ImageStore, MachineImage } from '../../image-store/image-store.ts';
import type { PlannedWorkflow } from '../build-plan.ts';
import type { KeyedComponent } from './build-keys.ts';
import type { CacheHint } from './cache-hint.ts';
import { bootedAtOf, type ComponentRecord, readComponentRecords } from './component-record.ts';
import { BOOT_DURATION, chosenDuration, componentDuration, GOING_ON_DURATION, stepDuration } from './durations.ts';
import { firstStale, machineOn, needsMachine, USER_DATA, usableCheckpoints } from './find-checkpoint.ts';
import type { BuildContents } from './read-contents.ts';
import type { ResourceStates } from './resource-states.ts';
import { simpleBuildOf } from './simple-build.ts';

export interface ForecastRequest {
  readonly contents: BuildContents;
  /** As the build is asked for. */
  readonly executor: Executor;
  /** Whether the instance is a machine from the start, whatever was asked for (steps/choose-executor.ts). */
  readonly isMachine: boolean;
  /** Those that run. */
  readonly workflows: readonly PlannedWorkflow[];
  readonly ofBuild: CacheHint | undefined;
  /** Undefined: it has to be made first. */
  readonly parent: MachineImage | undefined;
  readonly imageStore: Pick<ImageStore, 'list'>;
  readonly checkpoints: CheckpointStore;
  readonly states: ResourceStates;
  readonly durations: Readonly<Record<string, number>>;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** What a build would do, as far as that is known beforehand. */
export interface Forecast {
  /** The image that would be taken as it is. */
  readonly sameImage: string | undefined;
  readonly components: readonly ForecastComponent[];
  /** Undefined where something was never done here. */
  readonly seconds: number | undefined;
  /** What was never done here. */
  readonly unknown: readonly string[];
}

export interface ForecastComponent {
  readonly name: string;
  readonly component: string;
  readonly key: string | undefined;
  readonly reused: Pick<ComponentRecord, 'ranAt' | 'image'> | undefined;
  /** Why it runs. */
  readonly why: string | undefined;
  /** What it downloads or may download. */
  readonly downloads: readonly string[];
  readonly seconds: number | undefined;
}

export async function forecast(request: ForecastRequest): Promise<Forecast> {
  const { contents, executor, isMachine, ofBuild, parent, checkpoints, states, durations, now, signal } = request;
  const isUsual = simpleBuildOf(request.workflows) !== undefined;
  const mayReuse = isUsual && parent !== undefined && ofBuild?.kind !== 'never';
  const same = mayReuse ? await sameImage(request, parent) : undefined;
  const stale = new Map<string, string>();
  const bootKey = executor === 'direct' ? undefined : contents.bootKey;
  const search = {
    ...{ ...contents, store: checkpoints, disks: !isMachine, bootKey, ofBuild, states, now, signal },
    parentAmiId: parent?.amiId ?? '',
  };
  const [start] = mayReuse ? await usableCheckpoints(search, (name, why) => stale.set(name, why)) : [];
  const records = same?.records ?? start?.records ?? [];
  const goesOn = start?.checkpoint.hasMachine === true;
  // Where a disk is mounted first, the machine begins with the first component that needs one.
  const bootsAt = isMachine || goesOn || executor === 'direct' ? -1 : firstOnMachine(request, records.length);
  const isWarm = bootsAt === records.length && mayReuse && (await machineOn(search, records)) !== undefined;
  const components = contents.components.map((component, index): ForecastComponent => {
    const { name, document, key, inputs } = component;
    const record = records[index];
    const where = isMachine || goesOn || (bootsAt !== -1 && index >= bootsAt) ? 'vm' : 'direct';
    return {
      ...{ name, component: document.id, key, downloads: inputs.downloads },
      reused: record === undefined ? undefined : { ranAt: record.ranAt, image: record.image },
      why: record === undefined ? whyItRuns(component, stale, isUsual) : undefined,
      seconds: record === undefined ? durations[componentDuration(name, where)] : 0,
    };
  });
  const wanted = new Map<string, number | undefined>();
  if (same === undefined) {
    const machine = bootsAt === -1 ? 'none' : isWarm ? 'warm' : 'cold';
    for (const [what, seconds] of buildDurations(request, { goesOn, machine })) wanted.set(what, seconds);
    for (const { name, seconds } of components) wanted.set(name, seconds);
  }
  if (same?.tested !== true) for (const [what, seconds] of testDurations(request)) wanted.set(what, seconds);
  const unknown = [...wanted].filter(([, seconds]) => seconds === undefined).map(([what]) => what);
  const seconds = [...wanted.values()].reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return { sameImage: same?.source, components, seconds: unknown.length > 0 ? undefined : seconds, unknown };
}

function whyItRuns(
  { name, inputs, hint }: KeyedComponent,
  stale: ReadonlyMap<string, string>,
  isUsual: boolean,
): string {
  if (inputs.varying !== undefined) return inputs.varying;
  if (hint?.kind === 'never') return 'it is never to be reused';
  const own = stale.get(name);
  if (own !== undefined) return own;
  const boot = stale.get(USER_DATA);
  if (boot !== undefined) return `it comes after ${USER_DATA}, which runs again: ${boot}`;
  if (!isUsual) return 'nothing is reused: the build workflow is not of the usual form';
  return 'it is new, or comes after what is';
}

type Wanted = [what: string, seconds: number | undefined];

interface BuildMachine {
  /** Whether the instance begins as a machine of an earlier build. */
  readonly goesOn: boolean;
  /** What a mounted disk becomes on the way. */
  readonly machine: 'none' | 'cold' | 'warm';
}

/** Of the build beside its components. */
function buildDurations(request: ForecastRequest, { goesOn, machine }: BuildMachine): readonly Wanted[] {
  const { executor, durations } = request;
  const steps = actionsOf(request, 'BUILD')
    .filter((action) => action !== 'ExecuteComponents')
    .map((action): Wanted => {
      const seconds = durations[stepDuration(action, executor)];
      if (action !== 'LaunchInstance' || !goesOn) return [stepDuration(action, executor), seconds];
      // Never longer than a launch, while it is not known.
      return [GOING_ON_DURATION, durations[GOING_ON_DURATION] ?? seconds];
    });
  const boot = durations[BOOT_DURATION];
  if (machine === 'cold') steps.push([BOOT_DURATION, boot]);
  if (machine === 'warm') steps.push([GOING_ON_DURATION, durations[GOING_ON_DURATION] ?? boot]);
  return steps;
}

function testDurations(request: ForecastRequest): readonly Wanted[] {
  const { contents, durations } = request;
  return (
    actionsOf(request, 'TEST')
      // Without anything to test it is skipped.
      .filter((action) => action !== 'ExecuteComponents' || contents.tests.length > 0)
      .map((action): Wanted => [stepDuration(action, 'test'), durations[stepDuration(action, 'test')]])
  );
}

function actionsOf({ workflows }: ForecastRequest, type: WorkflowType): readonly string[] {
  return workflows
    .filter(({ document }) => document.type === type)
    .flatMap(({ document }) => document.steps.map(({ action }) => action));
}

/** The first component from `index` on that says that it needs a machine, or that made the last build boot; -1 without. */
function firstOnMachine({ contents, durations }: ForecastRequest, index: number): number {
  // The newest come last.
  const known = Object.keys(durations);
  const madeBoot = (name: string): boolean =>
    known.indexOf(chosenDuration(name, 'vm')) > known.indexOf(chosenDuration(name, 'direct'));
  return contents.components.findIndex(
    (component, at) => at >= index && (needsMachine(component) || madeBoot(component.name)),
  );
}

interface SameImage {
  readonly source: string;
  readonly records: readonly ComponentRecord[];
  readonly tested: boolean;
}

async function sameImage(
  { contents, ofBuild, imageStore, states, now, signal }: ForecastRequest,
  parent: MachineImage,
): Promise<SameImage | undefined> {
  const { imageKey: key, testKey, components, hasUserData } = contents;
  if (key === undefined) return undefined;
  for (const { made, source, parentAmiId } of (await imageStore.list()).toReversed()) {
    if (made?.key !== key || parentAmiId !== parent.amiId) continue;
    const records = readComponentRecords(made.facts);
    if (records?.length !== components.length) continue;
    const search = { components, hasUserData, ofBuild, states, now, signal };
    if ((await firstStale(search, records, bootedAtOf(made.facts))) !== undefined) continue;
    return { source, records, tested: made.testKey === testKey && testKey !== undefined };
  }
  return undefined;
}
