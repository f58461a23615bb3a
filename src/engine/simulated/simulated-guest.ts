import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import type { LaunchRequest } from '../../build-host/build-host.ts';
import type { Target } from '../../toe/target.ts';
import { localTarget } from '../../toe/targets/local.ts';
import { endProcesses } from '../../toe/targets/process-tree.ts';

/** What the file of a simulated disk says. A file that is not there is a disk that boots. */
export interface SimulatedDisk {
  readonly boots: boolean;
  readonly sizeGiB: number;
}

const GIB = 1024 ** 3;
/** Above the kernel's largest: nobody has it. */
const NO_PROCESS = 2 ** 22 + 1;

/** Folders of the machine that a guest has of its own; all others are those of this machine. */
const OWN_FOLDERS =
  /(?<![\w./-])\/(root|var\/lib\/cloud|sys\/block|dev\/disk\/by-id|proc\/sys\/kernel\/random)(?=\/|\b)/g;

export async function readDisk(file: string): Promise<SimulatedDisk> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  return { boots: true, sizeGiB: 2, ...JSON.parse(text) };
}

/** Writes what a guest sees of its machine: disks, user data, and the programs that tell of them. */
export async function makeGuest(folder: string, request: LaunchRequest, sizeGiB: number): Promise<void> {
  const place = (name: string): string => path.join(folder, 'guest', name);
  for (const name of ['root', 'var/lib/cloud/instance', 'sys/block/vda', 'dev/disk/by-id', 'bin']) {
    await mkdir(place(name), { recursive: true });
  }
  await newBoot(folder);
  await writeFile(place('sys/block/vda/serial'), 'root');
  const volumes = Object.fromEntries(
    request.extraVolumes.map(({ deviceName, sizeGiB: size }) => [path.basename(deviceName), size * GIB]),
  );
  for (const [index, [name, size]] of Object.entries(volumes).entries()) {
    const disk = `sys/block/vd${String.fromCharCode('b'.charCodeAt(0) + index)}`;
    await mkdir(place(disk));
    await writeFile(place(`${disk}/serial`), name);
    await writeFile(place(`dev/disk/by-id/virtio-${name}`), String(size));
  }
  const programs = {
    df: `echo 1B-blocks; echo ${sizeGiB * GIB}`,
    blockdev: 'shift; exec cat "$@"',
    ip: 'echo "default via 10.0.2.2 dev eth0"',
  };
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(place(`bin/${name}`), `#!/bin/sh\n${script}\n`);
    await chmod(place(`bin/${name}`), 0o755);
  }
  if (request.userData === undefined) return;
  await writeFile(place('var/lib/cloud/instance/user-data.txt'), request.userData);
}

/** What cloud-init runs of its user data. */
export async function runUserData(target: Target, userData: Uint8Array, signal: AbortSignal): Promise<void> {
  const { runcmd = [] } = (parse(Buffer.from(userData).toString()) ?? {}) as { runcmd?: (string | string[])[] };
  for (const command of runcmd) {
    const [program = 'true', ...args] = typeof command === 'string' ? ['sh', '-c', command] : command;
    await target.run({ argv: [program, ...args], signal });
  }
}

/** Runs commands on this machine, with the guest's own folders and programs in place of this machine's. */
export function guestTarget(folder: string, instanceId: string): Target {
  const guest = path.join(folder, 'guest');
  const inside = (text: string): string => text.replace(OWN_FOLDERS, (found) => path.join(guest, found));
  const local = localTarget({
    environment: { PATH: `${path.join(guest, 'bin')}:${process.env['PATH']}`, HOME: folder, [MARK]: instanceId },
    cwd: folder,
  });
  return {
    ...local,
    name: instanceId,
    run: (command) => {
      const [program, ...args] = command.argv;
      return local.run({ ...command, argv: [inside(program), ...args.map(inside)] });
    },
  };
}

const MARK = 'KILN_SIMULATED';

/** A shell line that runs what follows it as a person who has logged in to the guest. */
export function enterLine(folder: string, instanceId: string): string {
  return `env -i PATH="$PATH" HOME='${folder}' ${MARK}=${instanceId}`;
}

/** The next boot begins: ids are new. */
export async function newBoot(folder: string): Promise<void> {
  const random = path.join(folder, 'guest/proc/sys/kernel/random');
  await mkdir(random, { recursive: true });
  await writeFile(path.join(random, 'boot_id'), `${randomUUID()}\n`);
}

/** Everything that runs on the guest ends, as when its power goes. */
export function endGuest(instanceId: string): Promise<void> {
  return endProcesses(NO_PROCESS, `${MARK}=${instanceId}`);
}
