import { realpath } from 'node:fs/promises';
import type { BuildHost, Instance, LaunchContext, LaunchRequest } from '../build-host.ts';
import { bootAgainIfStuck } from './guest-stuck.ts';
import { type RunningInstance, refindInstance } from './instance.ts';
import {
  createInstanceFolder,
  instanceFolder,
  instanceIds,
  ownership,
  removeInstanceFolder,
} from './instance-record.ts';
import { DEFAULT_INSTANCE_TYPES, type HostCapacity, type InstanceTypeTable } from './instance-types.ts';
import { launchInstance } from './launch.ts';
import { instanceProcesses, killInstance } from './processes.ts';
import { DEFAULT_PROGRAMS, type QemuPrograms } from './programs.ts';

export interface QemuHostOptions {
  /** The folder of all instances, e.g. `KILN_HOME/run/instances`; made when missing. */
  readonly instancesFolder: string;
  /** Where is remembered what was found out about this host; made when missing. */
  readonly cacheFolder: string;
  readonly capacity: HostCapacity;
  /** Added to the table that Kiln has; an entry of the same name replaces it. */
  readonly instanceTypes?: InstanceTypeTable;
  readonly programs?: Partial<QemuPrograms>;
  /** Guests with so much memory go on while a checkpoint of them is written. Default 4096. */
  readonly backgroundFromMiB?: number;
}

/**
 * Saving in the background costs several times the work, page by page; standing still costs a second for every GiB or two
 * that is in use. Between two components nobody waits for a small guest.
 */
const BACKGROUND_FROM_MIB = 4096;

export interface QemuHost extends BuildHost, AsyncDisposable {
  /** Lets go of all instances without ending them, so that the process can end. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Instances are QEMU virtual machines of this host, with user networking and reached over SSH on a loopback port. */
export function qemuHost(options: QemuHostOptions): QemuHost {
  const settings = {
    ...options,
    backgroundFromMiB: options.backgroundFromMiB ?? BACKGROUND_FROM_MIB,
    instanceTypes: { ...DEFAULT_INSTANCE_TYPES, ...options.instanceTypes },
    programs: { ...DEFAULT_PROGRAMS, ...options.programs },
  };
  /** The instances whose connections this process holds. */
  const held = new Map<string, RunningInstance>();
  const folderOf = (instanceId: string): string => instanceFolder(options.instancesFolder, instanceId);

  async function terminate(instanceId: string): Promise<void> {
    held.get(instanceId)?.release();
    held.delete(instanceId);
    const folder = await realpath(folderOf(instanceId)).catch(() => undefined);
    if (folder === undefined) return;
    await killInstance(instanceId, folder);
    await removeInstanceFolder(folder);
  }

  function launch(request: LaunchRequest, context: LaunchContext): Promise<Instance> {
    // An overlay has been moved away by then, and written.
    if (request.overlay !== undefined) return boot(request, context);
    return bootAgainIfStuck(
      () => boot(request, context),
      ({ message }) => context.monitor.line('kiln', `${message}; ${request.instanceId} is booted again`),
    );
  }

  async function boot(request: LaunchRequest, context: LaunchContext): Promise<Instance> {
    context.signal.throwIfAborted();
    // Before the try: an instance that is there already must not be ended because it cannot be launched again.
    const folder = await createInstanceFolder(folderOf(request.instanceId));
    try {
      const instance = await launchInstance(folder, request, context, settings);
      held.set(request.instanceId, instance);
      return instance;
    } catch (error) {
      await terminate(request.instanceId);
      throw error;
    }
  }

  /** The folder of an instance that runs. */
  async function runningFolder(instanceId: string): Promise<string | undefined> {
    const folder = await realpath(folderOf(instanceId)).catch(() => undefined);
    if (folder === undefined) return undefined;
    return (await instanceProcesses(instanceId, folder)).length > 0 ? folder : undefined;
  }

  async function find(instanceId: string): Promise<Instance | undefined> {
    const folder = await runningFolder(instanceId);
    if (folder === undefined) return undefined;
    const known = held.get(instanceId);
    if (known !== undefined) return known;
    const found = await refindInstance(folder, settings.programs);
    if (found !== undefined) held.set(instanceId, found);
    return found;
  }

  return {
    launch,
    find,
    terminate,
    list: async () => {
      const ids = await instanceIds(options.instancesFolder);
      return await Promise.all(
        ids.map(async (instanceId) => ({
          instanceId,
          ...(await ownership(folderOf(instanceId))),
          running: (await runningFolder(instanceId)) !== undefined,
        })),
      );
    },
    [Symbol.asyncDispose]: async () => {
      for (const instance of held.values()) instance.release();
      held.clear();
    },
  };
}
