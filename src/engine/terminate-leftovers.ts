import { parseArn } from '../contract/arn.ts';
import { findImage } from '../state/find-resource.ts';
import { isUnfinished } from '../state/image-states.ts';
import { keptInstances } from '../state/kept-instances.ts';
import { coerceError } from '../util/faults.ts';
import type { Engine } from './engine.ts';

/**
 * Ends instances of this place that nobody will come back to: of builds that have ended, or that go on at another place
 * because their worker here was lost; those of commands that are gone without their clean-up (`kiln run`, `kiln shell`).
 * Those that were kept for a person stay, and so do instances that belong to no build while their command runs.
 */
export async function terminateLeftovers({ db, buildHost, log, place }: Engine): Promise<void> {
  for (const { instanceId, owner, running, abandoned = false } of await buildHost.list()) {
    const isBuild = parseArn(owner)?.kind === 'image';
    // Without an owner: given up before anything was started.
    if (!isBuild && !abandoned && (owner !== '' || running)) continue;
    const image = isBuild ? await findImage(db, owner) : undefined;
    if (image !== undefined && isUnfinished(image.status) && (image.place === null || image.place === place.id))
      continue;
    if (image?.status === 'FAILED' && (await keptInstances(db, owner)).includes(instanceId)) continue;
    log.warn({ instanceId, owner }, 'terminating a left-over instance');
    await buildHost.terminate(instanceId).catch((error: unknown) => {
      log.error({ err: coerceError(error), instanceId }, 'a left-over instance could not be terminated');
    });
  }
}
