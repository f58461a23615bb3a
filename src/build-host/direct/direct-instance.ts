import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../toe/capture.ts';
import { type ChrootTarget, openChrootTarget } from '../../toe/targets/chroot.ts';
import { BuilderFault } from '../../util/faults.ts';
import { quoteForShell } from '../../util/shell-quote.ts';
import type { CapturedDisk, Instance, LaunchContext, LaunchRequest, UnbootedInstance } from '../build-host.ts';
import type { MachineShape } from '../qemu/instance-types.ts';
import { loginEnvironment } from './environment.ts';
import { FILES } from './files.ts';
import { type MountedDisk, mountDisk } from './mounted-disk.ts';
import { giveNetwork, NAME_SERVER } from './outbound-network.ts';
import { standIns } from './shims/stand-ins.ts';

/** A mounted disk with a container on it. */
export interface DirectInstance extends Instance {
  readonly unbooted: UnbootedInstance;
  /** As {@link Instance.stopForCapture}, with the disk as it was at the last checkpoint. */
  rollBack(signal: AbortSignal): Promise<CapturedDisk>;
  /** Ends everything that runs on it; the disk stays mounted. */
  close(): Promise<void>;
}

/** In words for people. */
const LIMITS = { processes: 'the number of their processes', memory: 'memory', processors: 'processor time' } as const;
const CAUGHT = '/run/kiln/caught';
const MOST_CAUGHT_BYTES = 64 * 1024;

/**
 * Mounts an overlay on the parent disk in the instance's (empty) folder and makes a container on it. When it rejects,
 * files and processes of the instance may be left: the caller ends it.
 */
export async function openDirectInstance(
  folder: string,
  request: LaunchRequest,
  shape: MachineShape,
  { signal, monitor }: LaunchContext,
  controlGroups?: string,
): Promise<DirectInstance> {
  const { instanceId } = request;
  const disk = await mountDisk(folder, instanceId, request.parentDisk, signal);
  const place: ContainerPlace = { folder, instanceId, disk, shape, controlGroups };
  let container = await openConnected(place, signal);
  const note = noteOfUnbounded(container.unbounded);
  if (note !== undefined) monitor.line('kiln', note);
  const close = (): Promise<void> => container.close();

  async function giveUp(sinceCheckpoint: 'keep' | 'discard', within: AbortSignal): Promise<CapturedDisk> {
    await close();
    return { path: await disk.giveUp(sinceCheckpoint, within) };
  }
  return {
    instanceId,
    target: {
      os: container.os,
      name: container.name,
      run: (command) => container.run(command),
      reboot: (within) => container.reboot(within),
    },
    get enterCommand() {
      return container.entry.map(quoteForShell).join(' ');
    },
    close: async () => {
      await close();
      await disk.release();
    },
    stopForCapture: (context) => giveUp('keep', context.signal),
    rollBack: (within) => giveUp('discard', within),
    unbooted: {
      // Whoever goes on from a checkpoint has the files alone: no process, nothing of /run, and the environment that they
      // say. What comes after it finds the same here.
      checkpoint: async (within, keepAs) => {
        await close();
        await disk.checkpoint(within, keepAs);
        container = await openConnected(place, within);
      },
      caught: async (within) => {
        await disk.flush();
        // Read from inside: what lies there may be a link to anywhere by now.
        const command = { argv: ['cat', CAUGHT] as const, signal: within };
        const { code, stdout } = await capture(container, command, MOST_CAUGHT_BYTES);
        if (code !== 0) return ['a command that removed the notes of Kiln'];
        return [...new Set(stdout.split('\n').filter((line) => line !== ''))];
      },
    },
  };
}

/** What the log of a build says, once, of limits that this host does not keep; undefined when it keeps all. */
export function noteOfUnbounded(unbounded: ChrootTarget['unbounded']): string | undefined {
  if (unbounded.length === 0) return undefined;
  const what = unbounded.map((each) => LIMITS[each]).join(', ');
  return `This host has no control groups for it: components are not bounded together in ${what}`;
}

interface ContainerPlace {
  readonly folder: string;
  readonly instanceId: string;
  readonly disk: MountedDisk;
  readonly shape: MachineShape;
  readonly controlGroups: string | undefined;
}

/** A container with a network, in which nothing has run. Closing it ends both. */
async function openConnected(place: ContainerPlace, signal: AbortSignal): Promise<ChrootTarget> {
  const container = await openContainer(place, signal);
  let takeNetwork: (() => void) | undefined;
  const close = async (): Promise<void> => {
    takeNetwork?.();
    await container.close();
  };
  try {
    takeNetwork = await giveNetwork(place.folder, place.instanceId, container.pid, signal);
    await forgetCaught(container, signal);
    return { ...container, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openContainer(
  { folder, instanceId, disk, shape, controlGroups }: ContainerPlace,
  signal: AbortSignal,
): Promise<ChrootTarget> {
  const resolver = join(folder, FILES.resolver);
  await writeFile(resolver, `nameserver ${NAME_SERVER}\n`, { mode: 0o644 });
  const binds = await standIns(disk.rootFromHere, disk.root);
  return openChrootTarget(
    {
      name: instanceId,
      root: disk.root,
      mountsOf: disk.pid,
      environment: await loginEnvironment(disk.rootFromHere),
      cwd: '/root',
      hostname: instanceId,
      network: 'none',
      maxMemory: shape.memoryMiB * 1024 * 1024,
      maxProcessors: shape.vcpus,
      ...(controlGroups === undefined ? {} : { controlGroups }),
      resolver,
      binds,
    },
    signal,
  );
}

/** Everybody may write there: a component may ask for something as another user. */
async function forgetCaught(container: ChrootTarget, signal: AbortSignal): Promise<void> {
  const script = 'mkdir -p "${1%/*}" && : > "$1" && chmod 666 "$1"';
  const { code, stderr } = await capture(container, { argv: ['sh', '-c', script, 'sh', CAUGHT], cwd: '/', signal });
  if (code !== 0) throw new BuilderFault(`Nothing can be run on the disk of ${container.name}: ${stderr.trim()}`);
}
