import type { CheckpointStore } from '../../image-store/checkpoint-store.ts';
import type { ImageStore, MachineImage } from '../../image-store/image-store.ts';
import type { CacheHint } from './cache-hint.ts';
import { bootedAtOf, type ComponentRecord, readComponentRecords } from './component-record.ts';
import { componentDuration, stepDuration } from './durations.ts';
import { firstStale, USER_DATA, usableCheckpoints } from './find-checkpoint.ts';
import type { BuildContents } from './read-contents.ts';
import type { ResourceStates } from './resource-states.ts';

export interface ForecastRequest {
  readonly contents: BuildContents;
  readonly executor: 'auto' | 'direct' | 'vm';
  readonly ofBuild: CacheHint | undefined;
  /** Undefined: it has to be made first. */
  readonly parent: MachineImage | undefined;
  readonly imageStore: Pick<ImageStore, 'list'>;
  readonly checkpoints: CheckpointStore;
  readonly states: ResourceStates;
  readonly durations: Readonly<Record<string, number>>;
  readonly isTested: boolean;
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

/** Steps of a build beside its components, in the order in which they run. */
const STEPS = ['LaunchInstance', 'CollectImageMetadata', 'SanitizeInstance', 'CreateImage', 'TerminateInstance'];
const TEST_STEPS = ['LaunchInstance', 'ExecuteComponents', 'TerminateInstance'];

export async function forecast(request: ForecastRequest): Promise<Forecast> {
  const { contents, executor, ofBuild, parent, checkpoints, states, durations, now, signal } = request;
  const same = await sameImage(request);
  const stale = new Map<string, string>();
  const bootKey = executor === 'direct' ? undefined : contents.bootKey;
  const search = { ...contents, disks: executor !== 'vm', bootKey, ofBuild, states, now, signal };
  const usable =
    parent === undefined || ofBuild?.kind === 'never'
      ? []
      : await usableCheckpoints({ ...search, store: checkpoints, parentAmiId: parent.amiId }, (name, why) =>
          stale.set(name, why),
        );
  const boot = stale.get(USER_DATA);
  const afterBoot = boot === undefined ? undefined : `it comes after ${USER_DATA}, which runs again: ${boot}`;
  const records = same?.records ?? usable[0]?.records ?? [];
  const components = contents.components.map(({ name, document, key, inputs, hint }, index): ForecastComponent => {
    const record = records[index];
    const took = durations[componentDuration(name, executor === 'vm' ? 'vm' : 'direct')];
    const varies = inputs.varying ?? (hint?.kind === 'never' ? 'it is never to be reused' : undefined);
    return {
      name,
      component: document.id,
      key,
      reused: record === undefined ? undefined : { ranAt: record.ranAt, image: record.image },
      why:
        record === undefined
          ? (varies ?? stale.get(name) ?? afterBoot ?? 'it is new, or comes after what is')
          : undefined,
      downloads: [
        ...Object.keys(inputs.values).filter((what) => /^(?:web|s3):/.test(what)),
        ...(inputs.usesApt ? ['packages'] : []),
      ],
      seconds: record === undefined ? took : 0,
    };
  });
  const wanted = new Map<string, number | undefined>();
  if (same === undefined) {
    for (const action of STEPS) wanted.set(stepDuration(action, executor), durations[stepDuration(action, executor)]);
    for (const { name, seconds } of components) wanted.set(name, seconds);
  }
  if (request.isTested && same?.tested !== true) {
    for (const action of TEST_STEPS) wanted.set(stepDuration(action, 'test'), durations[stepDuration(action, 'test')]);
  }
  const unknown = [...wanted].filter(([, seconds]) => seconds === undefined).map(([what]) => what);
  const seconds = [...wanted.values()].reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return { sameImage: same?.source, components, seconds: unknown.length > 0 ? undefined : seconds, unknown };
}

async function sameImage({ contents, ofBuild, parent, imageStore, states, now, signal }: ForecastRequest) {
  const { imageKey: key, testKey, components, hasUserData } = contents;
  if (key === undefined || parent === undefined || ofBuild?.kind === 'never') return undefined;
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
