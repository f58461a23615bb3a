import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOfThisProcess } from '../../util/process-identity.ts';
import type { BuildHost, LaunchContext, LaunchRequest } from '../build-host.ts';
import {
  createInstanceFolder,
  instanceFolder,
  instanceIds,
  ownership,
  removeInstanceFolder,
  writeRecord,
} from '../qemu/instance-record.ts';
import { DEFAULT_INSTANCE_TYPES, type HostCapacity, type InstanceTypeTable } from '../qemu/instance-types.ts';
import { instanceProcesses, killInstance } from '../qemu/processes.ts';
import { type DirectInstance, openDirectInstance } from './direct-instance.ts';
import { FILES } from './files.ts';
import { runHost } from './programs.ts';
import { checkHost, checkRequest } from './requirements.ts';

export interface DirectHostOptions {
  /** The folder of all instances of this driver, e.g. `KILN_HOME/run/mounted`; made when missing. */
  readonly instancesFolder: string;
  readonly capacity: HostCapacity;
  readonly instanceTypes?: InstanceTypeTable;
  /** Where control groups are mounted, which bound what components take. Default `/sys/fs/cgroup`. */
  readonly controlGroups?: string;
}

export interface DirectHost extends BuildHost, AsyncDisposable {
  /**
   * Rejects with NeedsBoot when the image or the request is of a kind that needs a machine, and with a BuilderFault when
   * this host cannot do it.
   */
  launch(request: LaunchRequest, context: LaunchContext): Promise<DirectInstance>;
  /** Ends all instances of this process. */
  [Symbol.asyncDispose](): Promise<void>;
}

const UNMOUNT_MS = 3_000;

/**
 * Instances are mounted disks with a container on each: no machine, no boot. They end with the process that launched
 * them; `find` knows only those of this host object, `list` and `terminate` also what a killed process left.
 */
export function directHost(options: DirectHostOptions): DirectHost {
  const types = {
    capacity: options.capacity,
    instanceTypes: { ...DEFAULT_INSTANCE_TYPES, ...options.instanceTypes },
  };
  const held = new Map<string, DirectInstance>();
  const folderOf = (instanceId: string): string => instanceFolder(options.instancesFolder, instanceId);

  async function terminate(instanceId: string): Promise<void> {
    await held.get(instanceId)?.close();
    held.delete(instanceId);
    const folder = await realpath(folderOf(instanceId)).catch(() => undefined);
    if (folder === undefined) return;
    await unmount(instanceId, folder);
    await killInstance(instanceId, folder);
    await removeInstanceFolder(folder);
  }

  async function launch(request: LaunchRequest, context: LaunchContext): Promise<DirectInstance> {
    const { instanceId, owner } = request;
    context.signal.throwIfAborted();
    await checkHost();
    const shape = await checkRequest(request, types, context.signal);
    const folder = await createInstanceFolder(folderOf(instanceId));
    try {
      await writeRecord(folder, { instanceId, owner, launchedBy: await nameOfThisProcess() });
      const instance = await openDirectInstance(folder, request, shape, context, options.controlGroups);
      held.set(instanceId, instance);
      return instance;
    } catch (error) {
      await terminate(instanceId);
      context.signal.throwIfAborted();
      throw error;
    }
  }

  return {
    launch,
    terminate,
    find: async (instanceId) => held.get(instanceId),
    list: async () => {
      const ids = await instanceIds(options.instancesFolder);
      return Promise.all(
        ids.map(async (instanceId) => {
          const folder = await realpath(folderOf(instanceId)).catch(() => undefined);
          const processes = folder === undefined ? [] : await instanceProcesses(instanceId, folder);
          const whose = await ownership(folderOf(instanceId));
          return { instanceId, ...whose, running: held.has(instanceId) && processes.length > 0 };
        }),
      );
    },
    [Symbol.asyncDispose]: async () => {
      for (const instanceId of [...held.keys()]) await terminate(instanceId);
    },
  };
}

/**
 * Unmounts the file system of an instance that is thrown away, so that the kernel does not find its disk gone with the
 * daemon. A try: the end of its processes unmounts it as well.
 */
async function unmount(instanceId: string, folder: string): Promise<void> {
  for (const pid of await instanceProcesses(instanceId, folder)) {
    const args = ['--target', String(pid), '--mount', '--', 'umount', '--', join(folder, FILES.root)];
    await runHost('nsenter', args, { signal: AbortSignal.timeout(UNMOUNT_MS) }).catch(() => {});
  }
}
