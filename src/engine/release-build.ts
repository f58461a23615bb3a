import { coerceError } from '../util/faults.ts';
import type { BuildProgress } from './build-run.ts';
import type { BuildHistory } from './checkpoints/build-history.ts';
import type { Engine } from './engine.ts';

/**
 * Ends every instance of a build but those that are kept. One that cannot be ended is logged: it does not keep the
 * build's end from being recorded, and the next worker of this place tries again (terminate-leftovers.ts).
 */
export async function releaseBuild(engine: Engine, progress: BuildProgress): Promise<void> {
  const ending = [...progress.instances.keys()].filter((instanceId) => !progress.kept.has(instanceId));
  await Promise.all(
    ending.map(async (instanceId) => {
      try {
        await endInstance(engine, progress, instanceId);
      } catch (error) {
        engine.log.error({ err: coerceError(error), instanceId }, 'an instance could not be terminated');
      }
    }),
  );
}

/** For predictions of later builds. */
function noteEnded(progress: BuildProgress, instanceId: string, history: BuildHistory | undefined): void {
  // That of a test instance has none.
  if (history !== undefined && history.records.length > 0) progress.ran = history.records;
  if (history?.goesOn === true) progress.wentOn = new Set(progress.wentOn).add(instanceId);
  const seconds = history?.bootSeconds();
  if (seconds !== undefined) progress.bootSeconds = seconds;
}

/** Ends an instance of a build, and lets go of what its disk was made of. */
export async function endInstance(
  { buildHost }: Pick<Engine, 'buildHost'>,
  progress: BuildProgress,
  instanceId: string,
): Promise<void> {
  const history = progress.instances.get(instanceId)?.history;
  history?.ending();
  await buildHost.terminate(instanceId);
  progress.instances.delete(instanceId);
  noteEnded(progress, instanceId, history);
  await history?.close();
}
