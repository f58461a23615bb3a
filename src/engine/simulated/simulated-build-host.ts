import { existsSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type {
  BuildHost,
  Instance,
  LaunchContext,
  LaunchRequest,
  UnbootedInstance,
} from '../../build-host/build-host.ts';
import type { Target, TargetCommand } from '../../toe/target.ts';
import { localTarget } from '../../toe/targets/local.ts';

/** Where a test may make something fail or wait. What a hook throws is what the operation throws. */
export interface SimulatedFaults {
  launch?: (request: LaunchRequest, context: LaunchContext) => Promise<void>;
  stopForCapture?: (instanceId: string, context: LaunchContext) => Promise<void>;
  terminate?: (instanceId: string) => Promise<void>;
  command?: (instanceId: string, command: TargetCommand) => Promise<void>;
}

/**
 * A machine room without machines, for tests of the engine: an instance is a folder, its target runs commands on this
 * machine with that folder as home. Instances live in {@link instances}, which a second host may share: that is what a
 * worker finds that starts after another one was killed.
 */
export interface SimulatedBuildHost extends BuildHost {
  readonly instances: Map<string, SimulatedInstance>;
  readonly faults: SimulatedFaults;
  /** Every launch that was asked for. */
  readonly launches: LaunchRequest[];
}

export interface SimulatedInstance {
  readonly request: LaunchRequest;
  readonly folder: string;
  running: boolean;
  reboots: number;
  /** Whether it is a mounted disk, and no machine. */
  mounted: boolean;
}

/** What components write to `disk` in their home is on the disk: checkpoints and what starts from them have it. */
function unbootedInstance(record: SimulatedInstance): UnbootedInstance {
  const disk = path.join(record.folder, 'disk');
  const kept = path.join(record.folder, 'checkpoint');
  const unbooted: UnbootedInstance = {
    checkpoint: async (_signal, keepAs) => {
      await rm(kept, { recursive: true, force: true });
      await cp(disk, kept, { recursive: true });
      if (keepAs !== undefined) await cp(disk, keepAs, { recursive: true });
    },
    caught: async () => [],
  };
  if (record.request.executor !== 'auto') return unbooted;
  return {
    ...unbooted,
    boot: async () => {
      await rm(disk, { recursive: true });
      await cp(kept, disk, { recursive: true });
      record.mounted = false;
    },
  };
}

export function simulatedBuildHost(
  folder: string,
  instances: Map<string, SimulatedInstance> = new Map(),
): SimulatedBuildHost {
  const faults: SimulatedFaults = {};
  const launches: LaunchRequest[] = [];

  const asInstance = (instanceId: string, record: SimulatedInstance): Instance => ({
    instanceId,
    target: simulatedTarget(record, faults),
    enterCommand: `enter ${instanceId}`,
    get unbooted() {
      return record.mounted ? unbootedInstance(record) : undefined;
    },
    stopForCapture: async (context) => {
      await faults.stopForCapture?.(instanceId, context);
      context.signal.throwIfAborted();
      record.running = false;
      return { path: path.join(record.folder, 'disk.qcow2') };
    },
  });

  return {
    instances,
    faults,
    launches,
    launch: async (request, context) => {
      launches.push(request);
      context.signal.throwIfAborted();
      const home = path.join(folder, request.instanceId);
      await mkdir(path.join(home, 'root/etc'), { recursive: true });
      await writeFile(path.join(home, 'disk.qcow2'), `overlay on ${request.parentDisk.path}`);
      const { path: parent } = request.parentDisk;
      for (const name of ['disk', 'checkpoint']) {
        await mkdir(path.join(home, name));
        if (existsSync(parent)) await cp(parent, path.join(home, name), { recursive: true });
      }
      const mounted = request.executor === 'direct' || request.executor === 'auto';
      const record: SimulatedInstance = { request, folder: home, running: true, reboots: 0, mounted };
      instances.set(request.instanceId, record);
      try {
        context.monitor.line('console', 'simulated kernel');
        await faults.launch?.(request, context);
        context.signal.throwIfAborted();
      } catch (error) {
        instances.delete(request.instanceId);
        await rm(home, { recursive: true, force: true });
        throw error;
      }
      return asInstance(request.instanceId, record);
    },
    find: async (instanceId) => {
      const record = instances.get(instanceId);
      return record?.running ? asInstance(instanceId, record) : undefined;
    },
    list: async () =>
      [...instances].map(([instanceId, { request, running }]) => ({ instanceId, owner: request.owner, running })),
    terminate: async (instanceId) => {
      await faults.terminate?.(instanceId);
      const record = instances.get(instanceId);
      instances.delete(instanceId);
      if (record !== undefined) await rm(record.folder, { recursive: true, force: true });
    },
  };
}

function simulatedTarget(record: SimulatedInstance, faults: SimulatedFaults): Target {
  const local = localTarget({
    environment: { PATH: process.env['PATH'] ?? '', HOME: record.folder },
    cwd: record.folder,
  });
  return {
    os: 'linux',
    name: record.request.instanceId,
    run: async (command) => {
      await faults.command?.(record.request.instanceId, command);
      const [sh, flag, script, name, root, ...rest] = command.argv;
      // The clean-up script must clean this instance's folder and never the machine of the tests.
      if (name !== 'sanitize-instance') return local.run(command);
      const inside = path.join(record.folder, 'root', root ?? '');
      return local.run({ ...command, argv: [sh, flag ?? '', script ?? '', name, inside, ...rest] });
    },
    reboot: async () => {
      record.reboots++;
    },
  };
}
