import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshTarget } from '../../toe/targets/ssh.ts';
import { allEnded } from '../../util/all-ended.ts';
import { BuilderFault, BuildFailure, coerceError } from '../../util/faults.ts';
import { nameOfThisProcess } from '../../util/process-identity.ts';
import type { LaunchContext, LaunchRequest } from '../build-host.ts';
import { CheckpointUnusable } from '../checkpoint-unusable.ts';
import { findAccelerator } from './accelerator.ts';
import { readCheckpoint, restoreFiles } from './checkpoint/checkpoint-files.ts';
import { fingerprintDifference, type MachineFingerprint, machineFingerprint } from './checkpoint/fingerprint.ts';
import { awaken, loadMemory } from './checkpoint/resume-machine.ts';
import { takeCheckpoint } from './checkpoint/take-checkpoint.ts';
import { makeDisks } from './disks.ts';
import { instanceTarget, makeKeys, type RunningInstance, runningInstance, writeAccess } from './instance.ts';
import { FILES, type SshAccess, writeRecord } from './instance-record.ts';
import { type HostCapacity, type InstanceTypeTable, type MachineShape, shapeFor } from './instance-types.ts';
import { type Machine, startMachine } from './machine.ts';
import { instanceProcesses, memoryOf } from './processes.ts';
import { diskFull, isDiskFull, type QemuPrograms, qemuVersion } from './programs.ts';
import type { MachineSpec } from './qemu-command.ts';
import { writeSeed } from './seed.ts';
import { waitForCloudInit } from './wait-for-cloud-init.ts';

/** A machine that goes on from a checkpoint answers within seconds, or never. */
const RESUME_SECONDS = 60;

export interface LaunchSettings {
  readonly cacheFolder: string;
  readonly capacity: HostCapacity;
  readonly instanceTypes: InstanceTypeTable;
  readonly programs: QemuPrograms;
  readonly backgroundFromMiB: number;
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
  const { resumeFrom } = request;
  const tooLate = new AbortController();
  const seconds = resumeFrom === undefined ? request.timeoutSeconds : Math.min(request.timeoutSeconds, RESUME_SECONDS);
  const timer = setTimeout(() => tooLate.abort(), seconds * 1000);
  const limited = { ...context, signal: AbortSignal.any([context.signal, tooLate.signal]) };
  let machine: Machine | undefined;
  let loading = false;
  try {
    const { spec, hostKey, version } = await prepare(folder, request, limited, settings);
    machine = await startMachine(folder, spec, settings.programs, limited, async (qmp) => {
      if (resumeFrom === undefined) return;
      loading = true;
      await loadMemory(folder, resumeFrom, qmp, limited.signal);
      loading = false;
    });
    const access = { port: machine.sshPort, hostKey };
    await writeAccess(folder, access);
    const record = { instanceId: request.instanceId, owner: request.owner, launchedBy: await nameOfThisProcess() };
    await writeRecord(folder, { ...record, ssh: access });
    const instance = await untilItAnswers(folder, request, limited, machine, access, settings.programs);
    if (resumeFrom !== undefined) await awaken(instance.target, new Date(), limited.signal);
    return spec.volumes.length > 0
      ? instance
      : withCheckpoints(instance, folder, {
          ...settings,
          fingerprint: machineFingerprint(spec, version),
          hostKey,
          machine,
        });
  } catch (thrown) {
    machine?.release();
    context.signal.throwIfAborted();
    if (resumeFrom !== undefined) throw unusable(loading, resumeFrom, machine?.whyGone() ?? thrown);
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

/** Checkpoints of a machine that this process started: of another it does not know the shape. */
function withCheckpoints(
  instance: RunningInstance,
  folder: string,
  {
    programs,
    backgroundFromMiB,
    fingerprint,
    hostKey,
    machine: { qmp },
  }: LaunchSettings & {
    readonly fingerprint: MachineFingerprint;
    readonly hostKey: string;
    readonly machine: Machine;
  },
): RunningInstance {
  return {
    ...instance,
    checkpointMachine: async (place, context) => {
      await takeCheckpoint({ folder, qmp, fingerprint, hostKey, programs, backgroundFromMiB }, place, context);
    },
    memoryInUse: async () => {
      const most = fingerprint.memoryMiB * 1024 * 1024;
      const [pid] = await instanceProcesses(instance.instanceId, folder);
      // QEMU's own is among it, and an emulator's can be much.
      return Math.min(most, (pid === undefined ? undefined : await memoryOf(pid)) ?? most);
    },
  };
}

/** Whatever went wrong on the way from a checkpoint, booting is another way; but not when there is no room for either. */
function unusable(loading: boolean, state: string, thrown: unknown): Error {
  const error = coerceError(thrown);
  if (error instanceof CheckpointUnusable) return error;
  if (isDiskFull(error)) return error instanceof BuilderFault ? error : diskFull(error.message);
  return loading
    ? new CheckpointUnusable(
        'damaged',
        `The memory of the checkpoint in ${state} cannot be loaded: ${error.message}`,
        error,
      )
    : new CheckpointUnusable('refused', `The machine does not go on from ${state}: ${error.message}`, error);
}

interface Prepared {
  readonly spec: MachineSpec;
  readonly hostKey: string;
  /** Of the QEMU that is going to run: by the time of a checkpoint another one may be installed. */
  readonly version: string;
}

/** Everything that an instance needs before QEMU starts. */
async function prepare(
  folder: string,
  request: LaunchRequest,
  context: LaunchContext,
  settings: LaunchSettings,
): Promise<Prepared> {
  const { programs, cacheFolder, capacity, instanceTypes } = settings;
  const { instanceId, owner, userData } = request;
  const { signal, monitor } = context;
  const shape = shapeFor(request.instanceTypes, instanceTypes, capacity);
  if (shape === undefined) throw unknownTypes(request.instanceTypes);
  await writeRecord(folder, { instanceId, owner, launchedBy: await nameOfThisProcess() });
  const { resumeFrom } = request;
  if (resumeFrom !== undefined) return prepareResumed(folder, request, resumeFrom, shape, context, settings);
  const version = await qemuVersion(programs, signal);
  const keys = makeKeys();
  await writeFile(join(folder, FILES.sshKey), keys.user.private, { mode: 0o600 });
  const [accelerator, volumes] = await allEnded([
    findAccelerator({ programs, version, cacheFolder, signal, monitor }),
    makeDisks(folder, request, programs, signal),
    writeSeed(folder, { instanceId, userPublicKey: keys.user.public, hostKey: keys.host, userData }, programs, signal),
  ]);
  monitor.line('kiln', `booting ${instanceId}: ${describeShape(shape)}, ${accelerator}`);
  return {
    spec: { instanceId, owner, accelerator, shape, volumes },
    hostKey: keys.host.public,
    version,
  };
}

async function prepareResumed(
  folder: string,
  request: LaunchRequest,
  state: string,
  shape: MachineShape,
  { signal, monitor }: LaunchContext,
  { programs, cacheFolder }: LaunchSettings,
): Promise<Prepared> {
  const { instanceId, owner } = request;
  const { fingerprint, hostKey } = await readCheckpoint(state);
  const version = await qemuVersion(programs, signal);
  const [accelerator, volumes] = await allEnded([
    findAccelerator({ programs, version, cacheFolder, signal, monitor }),
    makeDisks(folder, request, programs, signal),
    restoreFiles(state, folder),
  ]);
  const spec: MachineSpec = { instanceId, owner, accelerator, shape, volumes, incoming: true };
  const difference = fingerprintDifference(fingerprint, machineFingerprint(spec, version));
  if (difference !== undefined) {
    throw new CheckpointUnusable('foreign', `The checkpoint in ${state} is of another machine: ${difference}`);
  }
  monitor.line('kiln', `resuming ${instanceId}: ${describeShape(shape)}, ${accelerator}`);
  return { spec, hostKey, version };
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
    if (request.userData !== undefined && request.resumeFrom === undefined)
      await waitForCloudInit(target, { ...context, signal });
    return runningInstance(folder, instanceId, access, target, programs, release);
  } catch (error) {
    release();
    throw error;
  }
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
    kind: 'guest lost',
    where: request.instanceId,
    cause,
  });
}
