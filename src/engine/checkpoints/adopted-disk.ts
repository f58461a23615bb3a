import type { Instance } from '../../build-host/build-host.ts';
import type { OpenCheckpoint } from '../../image-store/checkpoint-store.ts';
import type { Monitor } from '../../util/monitor.ts';
import type { BuildPlan } from '../build-plan.ts';
import type { BuildProgress } from '../build-run.ts';
import type { Engine } from '../engine.ts';
import { buildHistory } from './build-history.ts';
import { readComponentRecords } from './component-record.ts';

/**
 * Whether a machine that an earlier process launched can be gone on with, by what its disk lies on: the parent's own disk
 * (`none`), or the checkpoint of a machine that had booted it and nothing more. Undefined otherwise: components that were
 * reused have left no record of their steps, and layers that are no checkpoint are gone. The caller releases what is open.
 */
export async function diskOfAdopted(
  { checkpoints }: Pick<Engine, 'checkpoints'>,
  instance: Instance,
  signal: AbortSignal,
): Promise<OpenCheckpoint | 'none' | undefined> {
  if (checkpoints === undefined || instance.diskBelow === undefined) return 'none';
  const below = await checkpoints.below(await instance.diskBelow(signal), signal);
  if (below === 'none' || below === 'lost') return below === 'none' ? below : undefined;
  if (readComponentRecords(below.checkpoint.facts)?.length === 0) return below;
  await below.release();
  return undefined;
}

/** Gives the instances of a build that somebody else began what they need to be captured: the layers that they lie on. */
export async function adoptDisks(
  engine: Pick<Engine, 'checkpoints'>,
  { imageArn, parent }: Pick<BuildPlan, 'imageArn' | 'parent'>,
  { instances }: BuildProgress,
  { monitor, signal }: { readonly monitor: Monitor; readonly signal: AbortSignal },
): Promise<void> {
  const { checkpoints: store } = engine;
  const nothing = async (): Promise<undefined> => undefined;
  for (const [instanceId, launched] of instances) {
    const opened = await diskOfAdopted(engine, launched.instance, signal);
    if (store === undefined || opened === undefined || opened === 'none') continue;
    // It leaves no checkpoints: what was done on it before is not known by content.
    const history = buildHistory({
      ...{ store, imageArn, parent, monitor, components: [], bootKey: undefined, machineOn: nothing },
      states: { web: nothing, objects: nothing, index: nothing },
      inputsNow: async ({ inputs }) => inputs,
      from: { opened, records: [] },
    });
    instances.set(instanceId, { ...launched, history });
  }
}
