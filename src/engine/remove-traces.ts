import type { Engine } from './engine.ts';

/**
 * Ends the instances of an image whose build did not end well and removes its AMIs from the store. Also how an
 * instance that was kept after a failure is ended (`kiln rm`).
 *
 * @returns What was done, as lines for people.
 */
export async function removeTraces(
  { buildHost, imageStore }: Pick<Engine, 'buildHost' | 'imageStore'>,
  imageArn: string,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { instanceId, owner } of await buildHost.list()) {
    if (owner !== imageArn) continue;
    await buildHost.terminate(instanceId);
    lines.push(`Terminated instance ${instanceId}`);
  }
  for (const { amiId, source } of await imageStore.list()) {
    if (source !== imageArn) continue;
    await imageStore.remove(amiId);
    lines.push(`Removed ${amiId}`);
  }
  return lines;
}
