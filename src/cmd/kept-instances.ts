import type { Config } from './config.ts';
import type { KeptInstance } from './display/build-outcome.ts';
import { openBuildHost } from './open-disks.ts';

/** Instances of a build that still run, because its infrastructure configuration says to keep them after a failure. */
export async function findKeptInstances(config: Config, imageArn: string): Promise<readonly KeptInstance[]> {
  await using buildHost = openBuildHost(config);
  const kept: KeptInstance[] = [];
  for (const { instanceId, owner, running } of await buildHost.list()) {
    if (owner !== imageArn || !running) continue;
    const instance = await buildHost.find(instanceId);
    if (instance !== undefined) kept.push({ instanceId, enterCommand: instance.enterCommand });
  }
  return kept;
}

/** Ends what is left of the instances of a build. Gives how many there were. */
export async function endInstances(config: Config, imageArn: string): Promise<number> {
  await using buildHost = openBuildHost(config);
  const left = (await buildHost.list()).filter(({ owner }) => owner === imageArn);
  for (const { instanceId } of left) await buildHost.terminate(instanceId);
  return left.length;
}
