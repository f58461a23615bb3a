import { coerceError } from '../util/faults.ts';
import type { BuildProgress } from './build-run.ts';
import type { Engine } from './engine.ts';

/**
 * Ends every instance of a build but those that are kept. One that cannot be ended is logged: it does not keep the
 * build's end from being recorded, and the next start of this installation tries again (recover-builds.ts).
 */
export async function releaseBuild({ buildHost, log }: Engine, progress: BuildProgress): Promise<void> {
  const ending = [...progress.instances.keys()].filter((instanceId) => !progress.kept.has(instanceId));
  await Promise.all(
    ending.map(async (instanceId) => {
      try {
        await buildHost.terminate(instanceId);
        progress.instances.delete(instanceId);
      } catch (error) {
        log.error({ err: coerceError(error), instanceId }, 'an instance could not be terminated');
      }
    }),
  );
}
