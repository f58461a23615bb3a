import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type SshTarget, sshTarget } from '../../toe/targets/ssh.ts';
import { BuilderFault } from '../../util/faults.ts';
import { quoteForShell } from '../../util/shell-quote.ts';
import { makeSshKeyPair, type SshKeyPair } from '../../util/ssh-key-pair.ts';
import type { CapturedDisk, Instance, LaunchContext } from '../build-host.ts';
import { endLostCheckpoint } from './checkpoint/lost-checkpoint.ts';
import { diskBelow } from './disk-below.ts';
import { FILES, readRecord, type SshAccess } from './instance-record.ts';
import { faultOf } from './machine.ts';
import { instanceProcesses, isInstanceProcess } from './processes.ts';
import { type QemuPrograms, runProgram } from './programs.ts';
import { connectQmp, type QmpEvent } from './qmp.ts';
import { quiesce } from './quiesce.ts';

export interface RunningInstance extends Instance {
  /** Lets go of the connections. The guest runs on. */
  release(): void;
}

/** The keys of one instance: nobody else's, and of no use after it. */
export interface InstanceKeys {
  /** Logs in as root. */
  readonly user: SshKeyPair;
  /** What the guest's sshd shows. */
  readonly host: SshKeyPair;
}

const QUIT_MS = 30_000;
/** QEMU greets at once, unless another process holds its controls. */
const ADOPT_MS = 1_000;
const LOOK_EVERY_MS = 10;

export function makeKeys(): InstanceKeys {
  return { user: makeSshKeyPair(), host: makeSshKeyPair() };
}

/** Writes what a person needs to get in. */
export async function writeAccess(folder: string, access: SshAccess): Promise<void> {
  const knownHost = `[127.0.0.1]:${access.port} ${access.hostKey.trim()}\n`;
  await writeFile(join(folder, FILES.knownHosts), knownHost, { mode: 0o600 });
}

/** The SSH target of an instance whose private key lies in its folder. */
export async function instanceTarget(
  folder: string,
  instanceId: string,
  access: SshAccess,
  whyGone: () => Error | undefined,
): Promise<SshTarget> {
  return sshTarget({
    name: instanceId,
    host: '127.0.0.1',
    port: access.port,
    username: 'root',
    privateKey: await readFile(join(folder, FILES.sshKey), 'utf8'),
    hostKey: access.hostKey,
    whyGone,
  });
}

export function runningInstance(
  folder: string,
  instanceId: string,
  access: SshAccess,
  target: SshTarget,
  programs: QemuPrograms,
  release: () => void,
): RunningInstance {
  const options = ['IdentitiesOnly=yes', `UserKnownHostsFile=${quoteForSshConfig(join(folder, FILES.knownHosts))}`];
  const words = ['ssh', '-i', join(folder, FILES.sshKey), '-p', String(access.port)];
  return {
    instanceId,
    target,
    enterCommand: [...words, ...options.flatMap((option) => ['-o', option]), 'root@127.0.0.1']
      .map(quoteForShell)
      .join(' '),
    release,
    // Without systemd, or with one of before 2018, which knows no --wait, it ends at once.
    bootEnds: async (signal) => {
      await target.run({ argv: ['systemctl', 'is-system-running', '--wait'], signal });
    },
    diskBelow: async (signal) => diskBelow(await rootDisk(folder), programs, signal),
    stopForCapture: async (context) => {
      await quiesce(target, context.signal);
      release();
      await endQemu(folder, instanceId, context);
      return await checkedDisk(folder, programs, context.signal);
    },
  };
}

/**
 * An instance that an earlier process of Kiln started, from its folder; undefined when it never got to answer. It is held by
 * QMP as well, when nobody else holds it: what QEMU says of it is heard from here on.
 */
export async function refindInstance(folder: string, programs: QemuPrograms): Promise<RunningInstance | undefined> {
  const record = await readRecord(folder);
  if (record?.ssh === undefined) return undefined;
  const [pid] = await instanceProcesses(record.instanceId, folder);
  if (pid === undefined) return undefined;
  let fault: Error | undefined;
  const whyGone = (): Error | undefined =>
    fault ?? (isInstanceProcess(pid, folder) ? undefined : new BuilderFault('QEMU has ended.'));
  const target = await instanceTarget(folder, record.instanceId, record.ssh, whyGone);
  const onEvent = (event: QmpEvent): void => {
    fault ??= faultOf(event);
    // What runs when the machine goes must not wait for the network to notice.
    if (fault !== undefined) target.drop();
  };
  const qmp = await connectQmp(folder, FILES.qmp, onEvent, AbortSignal.timeout(ADOPT_MS)).catch(() => undefined);
  void qmp?.closed.then(() => target.drop());
  if (qmp !== undefined) await endLostCheckpoint(folder, qmp);
  const release = (): void => {
    target.close();
    qmp?.close();
  };
  return runningInstance(folder, record.instanceId, record.ssh, target, programs, release);
}

/** Asks QEMU to end, which writes out everything that it holds back, and waits until the disk is free. */
async function endQemu(folder: string, instanceId: string, { signal }: LaunchContext): Promise<void> {
  const begin = performance.now();
  for (const pid of await instanceProcesses(instanceId, folder)) process.kill(pid, 'SIGTERM');
  while ((await instanceProcesses(instanceId, folder)).length > 0) {
    if (performance.now() - begin > QUIT_MS) throw new BuilderFault(`QEMU of ${instanceId} does not end.`);
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** A disk whose last writes failed must not become an image. */
async function checkedDisk(folder: string, programs: QemuPrograms, signal: AbortSignal): Promise<CapturedDisk> {
  const path = await rootDisk(folder);
  await runProgram(programs, 'qemuImg', ['check', '-q', '-f', 'qcow2', path], { cwd: folder, signal });
  return { path };
}

/** What the guest writes on. */
async function rootDisk(folder: string): Promise<string> {
  return join(folder, (await readRecord(folder))?.rootDisk ?? FILES.rootDisk);
}

/** `ssh -o` splits its value at spaces, once the shell has passed it on. */
function quoteForSshConfig(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}
