import { copyFile, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointUnusable } from '../../checkpoint-unusable.ts';
import { FILES } from '../instance-record.ts';
import type { MachineFingerprint } from './fingerprint.ts';

/** What a machine is beside its disk, in the folder of a checkpoint. It holds keys: it is for its owner only. */
export interface CheckpointRecord {
  readonly fingerprint: MachineFingerprint;
  /** Of the guest's sshd, as in `known_hosts`. */
  readonly hostKey: string;
  /** Length of the file with the memory. */
  readonly memoryBytes: number;
}

export const CHECKPOINT_FILES = {
  /** Memory and devices, QEMU's migration stream under zstd, in frames. */
  memory: 'memory.zst',
  record: 'machine.json',
  seed: FILES.seed,
  sshKey: FILES.sshKey,
} as const;

/** Format of the record. */
const VERSION = 2;

/** Copies what the instance has beside disk and memory, and writes the record last: with it the checkpoint is whole. */
export async function finishCheckpoint(
  instanceFolder: string,
  state: string,
  record: Omit<CheckpointRecord, 'memoryBytes'>,
): Promise<void> {
  const { memory, seed, sshKey } = CHECKPOINT_FILES;
  await copyFile(join(instanceFolder, FILES.seed), join(state, seed));
  await copyFile(join(instanceFolder, FILES.sshKey), join(state, sshKey));
  const { size: memoryBytes } = await stat(join(state, memory));
  const path = join(state, CHECKPOINT_FILES.record);
  await writeFile(`${path}.new`, JSON.stringify({ version: VERSION, ...record, memoryBytes }), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Rejects with CheckpointUnusable unless a whole checkpoint is there. */
export async function readCheckpoint(state: string): Promise<CheckpointRecord> {
  const damaged = (why: string, cause?: unknown): CheckpointUnusable =>
    new CheckpointUnusable('damaged', `The checkpoint in ${state} is damaged: ${why}`, cause);
  let record: CheckpointRecord & { readonly version: number };
  let size: number;
  try {
    record = JSON.parse(await readFile(join(state, CHECKPOINT_FILES.record), 'utf8'));
    size = (await stat(join(state, CHECKPOINT_FILES.memory))).size;
  } catch (error) {
    throw damaged('it is not whole', error);
  }
  if (record?.version !== VERSION) {
    throw new CheckpointUnusable('foreign', `The checkpoint in ${state} is of another version of Kiln`);
  }
  if (typeof record.hostKey !== 'string' || typeof (record.fingerprint ?? '') !== 'object') {
    throw damaged('its record is broken');
  }
  if (size !== record.memoryBytes) throw damaged(`its memory has ${size} bytes of ${record.memoryBytes}`);
  return record;
}

/** Gives an instance that goes on from a checkpoint the files that it had. Rejects with CheckpointUnusable. */
export async function restoreFiles(state: string, instanceFolder: string): Promise<void> {
  for (const file of [CHECKPOINT_FILES.seed, CHECKPOINT_FILES.sshKey]) {
    await copyFile(join(state, file), join(instanceFolder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw new CheckpointUnusable('damaged', `The checkpoint in ${state} is damaged: ${file} is not there`, error);
    });
  }
}
