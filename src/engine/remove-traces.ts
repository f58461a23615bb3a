import type { Engine } from './engine.ts';

/**
 * Ends the instances of an image whose build did not end well and removes its AMIs from the store. Also how an
 * instance that was kept after a failure is ended (`kiln rm`).
 *
 * @param mayRemove Asked when it is known what is there, before anything is removed; what it rejects with ends the removal.
 * @returns What was done, as lines for people.
 */
export async function removeTraces(
  { buildHost, imageStore }: Pick<Engine, 'buildHost' | 'imageStore'>,
  imageArn: string,
  mayRemove: () => Promise<void> = async () => {},
): Promise<readonly string[]> {
  const lines: string[] = [];
  const [instances, images] = await Promise.all([buildHost.list(), imageStore.list()]);
  await mayRemove();
  for (const { instanceId, owner } of instances) {
    if (owner !== imageArn) continue;
    await buildHost.terminate(instanceId);
    lines.push(`Terminated instance ${instanceId}`);
  }
  // The newest first: an AMI that another one was made from cannot be removed before that.
  for (const { amiId, source } of images.toReversed()) {
    if (source !== imageArn) continue;
    await imageStore.remove(amiId);
    lines.push(`Removed ${amiId}`);
  }
  return lines;
}
