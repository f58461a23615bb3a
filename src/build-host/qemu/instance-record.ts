import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnerAlive } from '../../util/process-identity.ts';
import type { InstanceSummary } from '../build-host.ts';

/**
 * What is written down about an instance, in its folder. Everything of an instance lies there: disks, seed, sockets,
 * keys. Removing the folder removes the instance, once its processes have ended.
 */
export interface InstanceRecord {
  readonly instanceId: string;
  readonly owner: string;
  /** The process that launched it, as util/process-identity.ts writes it. */
  readonly launchedBy?: string;
  /** The newest overlay of its root disk. Default: {@link FILES}.rootDisk, which is the one without checkpoints. */
  readonly rootDisk?: string;
  /** How to reach it; unset until QEMU has chosen the port. */
  readonly ssh?: SshAccess;
}

export interface SshAccess {
  readonly port: number;
  /** As in `known_hosts`: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
}

/** Names of the files in an instance's folder. */
export const FILES = {
  record: 'instance.json',
  rootDisk: 'root.qcow2',
  seed: 'seed.iso',
  qmp: 'qmp.sock',
  console: 'console.sock',
  qemuLog: 'qemu.log',
  sshKey: 'ssh_key',
  knownHosts: 'known_hosts',
} as const;

const INSTANCE_ID = /^i-[0-9a-f]{17}$/;

/** The folder of an instance below `instancesFolder`; throws for an id that is not one, which could lead elsewhere. */
export function instanceFolder(instancesFolder: string, instanceId: string): string {
  if (!INSTANCE_ID.test(instanceId)) throw new TypeError(`not an instance id: ${instanceId}`);
  return join(instancesFolder, instanceId);
}

/** Makes the folder, for its owner only, and gives its real path. Rejects when the instance is there already. */
export async function createInstanceFolder(folder: string): Promise<string> {
  await mkdir(join(folder, '..'), { recursive: true, mode: 0o700 });
  await mkdir(folder, { mode: 0o700 });
  return await realpath(folder);
}

/** Writes the record as a whole: a reader sees the old or the new one. */
export async function writeRecord(folder: string, record: InstanceRecord): Promise<void> {
  const putInPlace = await prepareRecord(folder, record);
  await putInPlace();
}

/** Writes a record beside the one that counts. Gives what makes it count, for which the disk needs no room any more. */
export async function prepareRecord(folder: string, record: InstanceRecord): Promise<() => Promise<void>> {
  const path = join(folder, FILES.record);
  await writeFile(`${path}.new`, JSON.stringify(record, undefined, 2), { mode: 0o600 });
  return () => rename(`${path}.new`, path);
}

/** Undefined when there is no such instance, or when it was given up before its record was written. */
export async function readRecord(folder: string): Promise<InstanceRecord | undefined> {
  try {
    return decodeRecord(JSON.parse(await readFile(join(folder, FILES.record), 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return undefined;
    throw error;
  }
}

function decodeRecord(json: unknown): InstanceRecord | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { instanceId, owner, launchedBy, rootDisk, ssh } = json as Partial<InstanceRecord>;
  if (typeof instanceId !== 'string' || typeof owner !== 'string') return undefined;
  const reachable = typeof ssh?.port === 'number' && typeof ssh.hostKey === 'string';
  return {
    ...{ instanceId, owner },
    ...(typeof launchedBy === 'string' ? { launchedBy } : {}),
    ...(typeof rootDisk === 'string' ? { rootDisk } : {}),
    ...(reachable ? { ssh: { port: ssh.port, hostKey: ssh.hostKey } } : {}),
  };
}

/** Whose an instance is, and whether who launched it is known to be gone; for {@link BuildHost.list}. */
export async function ownership(folder: string): Promise<Pick<InstanceSummary, 'owner' | 'abandoned'>> {
  const { owner = '', launchedBy } = (await readRecord(folder)) ?? {};
  return { owner, abandoned: launchedBy !== undefined && !(await isOwnerAlive(launchedBy)) };
}

/** The ids of all instances that have a folder. */
export async function instanceIds(instancesFolder: string): Promise<readonly string[]> {
  try {
    return (await readdir(instancesFolder)).filter((name) => INSTANCE_ID.test(name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export async function removeInstanceFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
