import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshTarget } from '../../toe/targets/ssh.ts';
import { BuilderFault, BuildFailure } from '../../util/faults.ts';
import type { LaunchContext, LaunchRequest } from '../build-host.ts';
import { findAccelerator } from './accelerator.ts';
import { makeDisks } from './disks.ts';
import { instanceTarget, makeKeys, type RunningInstance, runningInstance, writeAccess } from './instance.ts';
import { FILES, type SshAccess, writeRecord } from './instance-record.ts';
import { type HostCapacity, type InstanceTypeTable, type MachineShape, shapeFor } from './instance-types.ts';
import { type Machine, startMachine } from './machine.ts';
import { diskFull, isDiskFull, type QemuPrograms } from './programs.ts';
import type { MachineSpec } from './qemu-command.ts';
import { writeSeed } from './seed.ts';
import { waitForCloudInit } from './wait-for-cloud-init.ts';

export interface LaunchSettings {
  readonly cacheFolder: string;
  readonly capacity: HostCapacity;
  readonly instanceTypes: InstanceTypeTable;
  readonly programs: QemuPrograms;
}

/**
 * Boots an instance in its (empty) folder and waits until it takes commands. When it rejects, files and processes of
 * the instance may be left: the caller ends it.
 */
export async function launchInstance(
  folder: string,
  request: LaunchRequest,
  context: LaunchContext,
  settings: LaunchSettings,
): Promise<RunningInstance> {
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(), request.timeoutSeconds * 1000);
  const limited = { ...context, signal: AbortSignal.any([context.signal, tooLate.signal]) };
  let machine: Machine | undefined;
  try {
    const { spec, hostKey } = await prepare(folder, request, limited, settings);
    machine = await startMachine(folder, spec, settings.programs, limited);
    const access = { port: machine.sshPort, hostKey };
    await writeAccess(folder, access);
    await writeRecord(folder, { instanceId: request.instanceId, owner: request.owner, ssh: access });
    return await untilItAnswers(folder, request, limited, machine, access, settings.programs);
  } catch (thrown) {
    machine?.release();
    context.signal.throwIfAborted();
    const fault = machine?.whyGone();
    if (fault !== undefined) throw fault;
    if (tooLate.signal.aborted) throw neverAnswered(request, machine?.console.lastLines() ?? [], thrown);
    if (thrown instanceof Error && !(thrown instanceof BuilderFault) && isDiskFull(thrown)) {
      throw diskFull(thrown.message);
    }
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

/** Everything that an instance needs before QEMU starts. */
async function prepare(
  folder: string,
  request: LaunchRequest,
  context: LaunchContext,
  { programs, cacheFolder, capacity, instanceTypes }: LaunchSettings,
): Promise<{ readonly spec: MachineSpec; readonly hostKey: string }> {
  const { instanceId, owner, userData } = request;
  const { signal, monitor } = context;
  const shape = shapeFor(request.instanceTypes, instanceTypes, capacity);
  if (shape === undefined) throw unknownTypes(request.instanceTypes);
  await writeRecord(folder, { instanceId, owner });
  const keys = makeKeys();
  await writeFile(join(folder, FILES.sshKey), keys.user.private, { mode: 0o600 });
  const [accelerator, volumes] = await allEnded([
    findAccelerator({ programs, cacheFolder, signal, monitor }),
    makeDisks(folder, request, programs, signal),
    writeSeed(folder, { instanceId, userPublicKey: keys.user.public, hostKey: keys.host, userData }, programs, signal),
  ]);
  monitor.line('kiln', `booting ${instanceId}: ${describeShape(shape)}, ${accelerator}`);
  return {
    spec: { instanceId, owner, accelerator, shape, volumes },
    hostKey: keys.host.public,
  };
}

async function untilItAnswers(
  folder: string,
  request: LaunchRequest,
  context: LaunchContext,
  machine: Machine,
  access: SshAccess,
  programs: QemuPrograms,
): Promise<RunningInstance> {
  const { instanceId } = request;
  const begin = performance.now();
  const target: SshTarget = await instanceTarget(folder, instanceId, access, machine.whyGone);
  // What runs when the machine goes must not wait for the network to notice.
  machine.gone.addEventListener('abort', target.drop, { once: true });
  const release = (): void => {
    target.close();
    machine.release();
  };
  try {
    const signal = AbortSignal.any([context.signal, machine.gone]);
    await target.connect(signal, Number.POSITIVE_INFINITY);
    context.monitor.line('kiln', `${instanceId} answers after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    if (request.userData !== undefined) await waitForCloudInit(target, { ...context, signal });
    return runningInstance(folder, instanceId, access, target, programs, release);
  } catch (error) {
    release();
    throw error;
  }
}

/** As Promise.all, but nothing is still writing into the folder when it rejects. */
async function allEnded<T extends readonly unknown[]>(
  promises: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<{ -readonly [K in keyof T]: T[K] }> {
  await Promise.allSettled(promises);
  return (await Promise.all(promises)) as { -readonly [K in keyof T]: T[K] };
}

function describeShape({ vcpus, memoryMiB }: MachineShape): string {
  return `${vcpus} vCPU, ${memoryMiB} MiB`;
}

function unknownTypes(candidates: readonly string[]): BuildFailure {
  return new BuildFailure(`This build host knows none of the instance types ${candidates.join(', ')}.`, {
    hint: 'Name one that it knows, such as m5.large, or add the type to the configuration with its vCPUs and memory.',
  });
}

function neverAnswered(request: LaunchRequest, lastLines: readonly string[], cause: unknown): BuildFailure {
  const lines = lastLines.slice(-20).map((line) => `  ${line}`);
  const console =
    lines.length === 0 ? ' Its console shows nothing.' : `\nThe last lines of its console:\n${lines.join('\n')}`;
  return new BuildFailure(`${request.instanceId} did not answer within ${request.timeoutSeconds} s.${console}`, {
    where: request.instanceId,
    cause,
  });
}
