import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  BuildHost,
  CheckpointContext,
  Instance,
  LaunchContext,
  LaunchRequest,
  MachineCheckpoint,
  UnbootedInstance,
} from '../../build-host/build-host.ts';
import { DEFAULT_INSTANCE_TYPES, shapeFor } from '../../build-host/qemu/instance-types.ts';
import { type Target, type TargetCommand, type TargetExit, TargetLostError } from '../../toe/target.ts';
import { localTarget } from '../../toe/targets/local.ts';
import { BuildFailure } from '../../util/faults.ts';
import {
  endGuest,
  enterLine,
  guestTarget,
  makeGuest,
  newBoot,
  readDisk,
  runUserData,
  type SimulatedDisk,
} from './simulated-guest.ts';

/** Where a test may make something fail or wait. What a hook throws is what the operation throws. */
export interface SimulatedFaults {
  launch?: (request: LaunchRequest, context: LaunchContext) => Promise<void>;
  stopForCapture?: (instanceId: string, context: LaunchContext) => Promise<void>;
  terminate?: (instanceId: string) => Promise<void>;
  checkpointMachine?: (instanceId: string, context: LaunchContext) => Promise<void>;
  /** Default: that of a small guest. */
  memoryInUse?: number;
  bootEnds?: (instanceId: string, signal: AbortSignal) => Promise<void>;
  boot?: (instanceId: string, context: LaunchContext, goingOn: MachineCheckpoint | undefined) => Promise<void>;
  command?: (instanceId: string, command: TargetCommand) => Promise<void>;
  /** Answers a command in place of programs of this machine; undefined: it runs. */
  answer?: (instanceId: string, command: TargetCommand) => Promise<TargetExit | undefined>;
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
  /** Where its disk was kept last: what it lies on. */
  keptAs?: string;
  /** Aborted when the power goes; each boot has its own. */
  power: AbortController;
}

const SMALL_GUEST_BYTES = 400 * 1024 * 1024;

/** What components write to `disk` in their home is on the disk: checkpoints and what starts from them have it. */
function unbootedInstance(record: SimulatedInstance, faults: SimulatedFaults): UnbootedInstance {
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
    boot: async (context, goingOn) => {
      await faults.boot?.(record.request.instanceId, context, goingOn);
      await rm(disk, { recursive: true });
      await cp(goingOn?.disk ?? kept, disk, { recursive: true });
      record.mounted = false;
    },
  };
}

export interface SimulatedHostOptions {
  /**
   * Instances have folders, programs and user data of their own, which costs some files and processes each. Without it
   * commands see this machine.
   */
  readonly guests?: boolean;
  /** Answers commands in place of programs of this machine: no process is started. */
  readonly respond?: (instanceId: string, command: TargetCommand) => Promise<TargetExit>;
}

export function simulatedBuildHost(
  folder: string,
  instances: Map<string, SimulatedInstance> = new Map(),
  { guests = false, respond }: SimulatedHostOptions = {},
): SimulatedBuildHost {
  const faults: SimulatedFaults = {};
  const launches: LaunchRequest[] = [];
  const homeOf = (instanceId: string): string => path.join(folder, instanceId);

  const save = async (record: SimulatedInstance): Promise<void> => {
    const { request, running, reboots, mounted, keptAs } = record;
    const text = JSON.stringify({ request, running, reboots, mounted, keptAs });
    await writeFile(path.join(record.folder, 'instance.json'), text).catch(ignoreMissing);
  };

  /** Also one that another process launched. */
  const recordOf = async (instanceId: string): Promise<SimulatedInstance | undefined> => {
    const known = instances.get(instanceId);
    if (known !== undefined) return known;
    const home = homeOf(instanceId);
    const text = await readFile(path.join(home, 'instance.json'), 'utf8').catch(ignoreMissing);
    if (text === undefined || text === '') return undefined;
    const record: SimulatedInstance = { ...JSON.parse(text), folder: home, power: new AbortController() };
    instances.set(instanceId, record);
    return record;
  };

  const asInstance = (instanceId: string, record: SimulatedInstance): Instance => ({
    instanceId,
    target: simulatedTarget(record, faults, { guests, respond }),
    enterCommand: guests ? enterLine(record.folder, instanceId) : `enter ${instanceId}`,
    get unbooted() {
      return record.mounted ? unbootedInstance(record, faults) : undefined;
    },
    get checkpointMachine() {
      if (record.mounted) return undefined;
      return async ({ disk, state }: MachineCheckpoint, context: CheckpointContext) => {
        await faults.checkpointMachine?.(instanceId, context);
        await cp(path.join(record.folder, 'disk'), disk, { recursive: true });
        await mkdir(state);
        record.keptAs = disk;
        await save(record);
        context.onFrozen?.();
      };
    },
    get memoryInUse() {
      return record.mounted ? undefined : async () => faults.memoryInUse ?? SMALL_GUEST_BYTES;
    },
    get bootEnds() {
      return record.mounted ? undefined : async (signal: AbortSignal) => faults.bootEnds?.(instanceId, signal);
    },
    diskBelow: async () => [record.keptAs ?? record.request.parentDisk.path],
    stopForCapture: async (context) => {
      await faults.stopForCapture?.(instanceId, context);
      context.signal.throwIfAborted();
      record.running = false;
      await powerOff(instanceId, record);
      await save(record);
      return { path: path.join(record.folder, 'disk.qcow2') };
    },
  });

  const powerOff = async (instanceId: string, record: SimulatedInstance): Promise<void> => {
    record.power.abort(new TargetLostError(`${instanceId} was lost: its power is off`));
    if (guests) await endGuest(instanceId);
  };

  /** Rejects when the disk does not boot, after its time or at once when the launch is aborted. */
  const boot = async ({ instanceId, parentDisk, timeoutSeconds }: LaunchRequest, context: LaunchContext) => {
    context.monitor.line('console', 'simulated firmware');
    if ((await readDisk(parentDisk.path)).boots) {
      context.monitor.line('console', 'simulated kernel');
      return;
    }
    context.monitor.line('console', 'Boot failed: no bootable disk');
    context.signal.throwIfAborted();
    await sleep(timeoutSeconds * 1000, undefined, { signal: context.signal }).catch(() => {});
    context.signal.throwIfAborted();
    throw new BuildFailure(
      `${instanceId} did not answer within ${timeoutSeconds} s.\nThe last lines of its console:\n  Boot failed: no bootable disk`,
      { kind: 'guest lost' },
    );
  };

  return {
    instances,
    faults,
    launches,
    launch: async (request, context) => {
      launches.push(request);
      context.signal.throwIfAborted();
      const { instanceId } = request;
      const sizeGiB = checkedSize(request, await readDisk(request.parentDisk.path));
      const home = homeOf(instanceId);
      await mkdir(folder, { recursive: true });
      await mkdir(home);
      await mkdir(path.join(home, 'root/etc'), { recursive: true });
      await writeFile(path.join(home, 'disk.qcow2'), `overlay on ${request.parentDisk.path}`);
      await fillDisk(request, home).catch(async (error: unknown) => {
        await rm(home, { recursive: true, force: true });
        throw error;
      });
      const mounted =
        request.executor === 'direct' || (request.executor === 'auto' && request.resumeFrom === undefined);
      const power = new AbortController();
      const record: SimulatedInstance = { request, folder: home, running: true, reboots: 0, mounted, power };
      instances.set(instanceId, record);
      const instance = asInstance(instanceId, record);
      try {
        await save(record);
        await boot(request, context);
        if (guests) await makeGuest(home, request, sizeGiB);
        if (guests && request.userData !== undefined) {
          await runUserData(guestTarget(home, instanceId), request.userData, context.signal);
        }
        await faults.launch?.(request, context);
        context.signal.throwIfAborted();
      } catch (error) {
        instances.delete(instanceId);
        await powerOff(instanceId, record);
        await rm(home, { recursive: true, force: true });
        throw error;
      }
      return instance;
    },
    find: async (instanceId) => {
      const record = await recordOf(instanceId);
      return record?.running ? asInstance(instanceId, record) : undefined;
    },
    list: async () => {
      const ids = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('i-'));
      const records = await Promise.all([...new Set([...ids, ...instances.keys()])].map(recordOf));
      return records
        .filter((record) => record !== undefined)
        .map(({ request, running }) => ({ instanceId: request.instanceId, owner: request.owner, running }));
    },
    terminate: async (instanceId) => {
      await faults.terminate?.(instanceId);
      const record = await recordOf(instanceId);
      // Nobody finds it from here on, as with a machine whose power goes at once.
      if (record !== undefined) record.running = false;
      await rm(path.join(homeOf(instanceId), 'instance.json'), { force: true });
      instances.delete(instanceId);
      if (record !== undefined) await powerOff(instanceId, record);
      await rm(homeOf(instanceId), { recursive: true, force: true });
    },
  };
}

/** The size of the root volume. Throws a BuildFailure for what cannot be had. */
function checkedSize({ instanceTypes, rootVolumeSizeGiB }: LaunchRequest, disk: SimulatedDisk): number {
  if (shapeFor(instanceTypes, DEFAULT_INSTANCE_TYPES, { cpus: 2, memoryMiB: 4096 }) === undefined) {
    throw new BuildFailure(`This build host knows none of the instance types ${instanceTypes.join(', ')}.`);
  }
  if (rootVolumeSizeGiB === undefined) return disk.sizeGiB;
  if (rootVolumeSizeGiB >= disk.sizeGiB) return rootVolumeSizeGiB;
  throw new BuildFailure(
    `The root volume cannot have ${rootVolumeSizeGiB} GiB: the parent image's disk has ${disk.sizeGiB} GiB.`,
  );
}

/** A parent that is a folder is the disk of a checkpoint. */
async function fillDisk({ parentDisk }: LaunchRequest, home: string): Promise<void> {
  const isFolder = (await stat(parentDisk.path).catch(ignoreMissing))?.isDirectory() === true;
  for (const name of ['disk', 'checkpoint']) {
    await mkdir(path.join(home, name));
    if (isFolder) await cp(parentDisk.path, path.join(home, name), { recursive: true });
  }
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

function simulatedTarget(
  record: SimulatedInstance,
  faults: SimulatedFaults,
  { guests, respond }: { readonly guests: boolean; readonly respond: SimulatedHostOptions['respond'] | undefined },
): Target {
  const { request, folder } = record;
  const here = guests
    ? guestTarget(folder, request.instanceId)
    : localTarget({ environment: { PATH: process.env['PATH'] ?? '', HOME: folder }, cwd: folder });
  /** What runs when the power goes is lost with it. */
  const local: Pick<Target, 'run'> = {
    run: async (command) => {
      const { power } = record;
      const signal = AbortSignal.any([command.signal, power.signal]);
      if (respond !== undefined) {
        signal.throwIfAborted();
        const exit = await respond(request.instanceId, command);
        signal.throwIfAborted();
        return exit;
      }
      return here.run({ ...command, signal });
    },
  };
  return {
    os: 'linux',
    name: request.instanceId,
    run: async (command) => {
      await faults.command?.(request.instanceId, command);
      const answered = await faults.answer?.(request.instanceId, command);
      if (answered !== undefined) return answered;
      const [sh, flag, script, name, root, ...rest] = command.argv;
      // The clean-up script must clean this instance's folder and never the machine of the tests.
      if (name !== 'sanitize-instance') return local.run(command);
      const inside = path.join(folder, 'root', root ?? '');
      return local.run({ ...command, argv: [sh, flag ?? '', script ?? '', name, inside, ...rest] });
    },
    reboot: async () => {
      record.reboots++;
      record.power.abort(new TargetLostError(`${request.instanceId} was lost: it restarts`));
      if (guests) {
        await endGuest(request.instanceId);
        await newBoot(folder);
      }
      record.power = new AbortController();
    },
  };
}
