import { link, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { copyDisk } from '../../../util/copy-disk.ts';
import { BuilderFault, coerceError } from '../../../util/faults.ts';
import type { CheckpointContext, MachineCheckpoint } from '../../build-host.ts';
import { FILES, prepareRecord, readRecord } from '../instance-record.ts';
import { diskFull, isDiskFull, type QemuPrograms, runProgram } from '../programs.ts';
import type { Qmp } from '../qmp.ts';
import { CHECKPOINT_FILES, finishCheckpoint } from './checkpoint-files.ts';
import type { MachineFingerprint } from './fingerprint.ts';
import { receiveMemory } from './memory-stream.ts';
import { LOOK_EVERY_MS, migration, STALLED_MS, untilIdle } from './migration.ts';
import { newOverlayName, rootDisk } from './root-overlay.ts';

export interface CheckpointedMachine {
  /** Of the instance. */
  readonly folder: string;
  readonly qmp: Qmp;
  readonly fingerprint: MachineFingerprint;
  readonly hostKey: string;
  readonly programs: QemuPrograms;
  readonly backgroundFromMiB: number;
  /** In place of STALLED_MS. */
  readonly stalledMs?: number;
}

const SOCKET = 'memory.sock';
/** More than any host moves: QEMU's own limit is for networks. */
const BYTES_PER_SECOND = 64 * 1024 ** 3;

/**
 * Freezes the root disk, lets the guest go on with an overlay on it, and writes its memory of that moment. A guest with much
 * memory runs on meanwhile, where the host's kernel can watch pages; any other stands still for as long as that takes. When
 * it rejects, the guest runs on, on the disk that it had unless `onFrozen` was called.
 */
export async function takeCheckpoint(
  machine: CheckpointedMachine,
  place: MachineCheckpoint,
  { signal, monitor, onFrozen }: CheckpointContext,
): Promise<void> {
  const { folder, qmp, stalledMs = STALLED_MS } = machine;
  signal.throwIfAborted();
  await mkdir(place.state, { mode: 0o700 });
  const record = await readRecord(folder);
  if (record === undefined) throw new BuilderFault('The record of the instance is gone.');
  const disk = record.rootDisk ?? FILES.rootDisk;
  const next = newOverlayName();
  const { node, bytes } = await rootDisk(qmp);
  // What it is on it names by the place where that is going to be.
  const create = ['create', '-q', '-f', 'qcow2', '-u', '-b', place.disk, '-F', 'qcow2', next, String(bytes)];
  await runProgram(machine.programs, 'qemuImg', create, { cwd: folder, signal });
  const noteNext = await prepareRecord(folder, { ...record, rootDisk: next }).catch((error: unknown) => {
    throw toldAsFull(error);
  });
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': BYTES_PER_SECOND });
  const isLarge = machine.fingerprint.memoryMiB >= machine.backgroundFromMiB;
  const inBackground = isLarge && (await setBackground(qmp, true));
  await using memory = await receiveMemory(folder, SOCKET, join(place.state, CHECKPOINT_FILES.memory));
  let lost: Error | undefined;
  memory.received.catch((error: unknown) => {
    lost = coerceError(error);
  });
  const begin = performance.now();
  let standstill = 0;
  await qmp.execute('stop');
  try {
    await freezeDisk(qmp, { disk: join(folder, disk), node, next, at: place.disk });
    onFrozen?.();
    await noteNext();
    await qmp.execute('migrate', { uri: `unix:${SOCKET}` });
    // In the background QEMU lets the guest go on by itself, once devices are saved and pages are watched.
    standstill = await untilSaved(qmp, { inBackground, begin, stalledMs, signal });
  } catch (error) {
    await qmp.execute('migrate_cancel').catch(() => {});
    // What QEMU says of it is that nobody listens any more.
    throw toldAsFull(lost ?? error);
  } finally {
    await untilIdle(qmp, stalledMs).catch(() => {});
    // What was asked for before QEMU let it go on by itself does no harm.
    await qmp.execute('cont');
    if (inBackground) await setBackground(qmp, false);
  }
  try {
    await memory.received;
    await finishCheckpoint(folder, place.state, { fingerprint: machine.fingerprint, hostKey: machine.hostKey });
  } catch (error) {
    throw toldAsFull(error);
  }
  const took = ((performance.now() - begin) / 1000).toFixed(2);
  monitor.line(
    'kiln',
    `Checkpoint of the running machine after ${took} s; it stood still for ${standstill.toFixed(2)} s`,
  );
}

/** The same error, or the fault that a full disk is. */
function toldAsFull(thrown: unknown): Error {
  const error = coerceError(thrown);
  return isDiskFull(error) && !(error instanceof BuilderFault) ? diskFull(error.message) : error;
}

interface Freezing {
  readonly disk: string;
  /** Its node. */
  readonly node: string;
  /** The overlay that the guest writes to from here on. */
  readonly next: string;
  /** Where the frozen disk belongs. */
  readonly at: string;
}

/**
 * Puts the disk of a guest that stands still at its place, and the overlay on it. What may fail comes first: an overlay on
 * what is not there, or that nobody knows of, is a disk that is lost. When it rejects all is as it was.
 */
async function freezeDisk(qmp: Qmp, { disk, node, next, at }: Freezing): Promise<void> {
  try {
    await sameFile(disk, at);
    await qmp.execute('blockdev-snapshot-sync', {
      'node-name': node,
      'snapshot-file': next,
      'snapshot-node-name': next,
      format: 'qcow2',
      mode: 'existing',
    });
  } catch (error) {
    await rm(at, { force: true });
    throw error;
  }
}

/**
 * The same file at a second place, or a copy on another file system. QEMU opens its files anew by their names when it lets
 * go of them and takes them back, as it does when it has sent its state: no name of its own may lead elsewhere by then.
 */
async function sameFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error;
    await copyDisk(from, to);
  });
}

/** False where the host's kernel cannot watch pages, or QEMU is not of the kind that asks it to. */
async function setBackground(qmp: Qmp, state: boolean): Promise<boolean> {
  const capabilities = [{ capability: 'background-snapshot', state }];
  return qmp.execute('migrate-set-capabilities', { capabilities }).then(
    () => state,
    () => false,
  );
}

interface Saving {
  readonly inBackground: boolean;
  /** When it began, by `performance.now()`. */
  readonly begin: number;
  readonly stalledMs: number;
  readonly signal: AbortSignal;
}

/** Gives how long the guest stood still, in seconds. Rejects when QEMU could not save it. */
async function untilSaved(qmp: Qmp, { inBackground, begin, stalledMs, signal }: Saving): Promise<number> {
  let runsSince: number | undefined;
  let sent = -1;
  let sentAt = begin;
  for (;;) {
    signal.throwIfAborted();
    if (inBackground && runsSince === undefined) {
      const { running } = (await qmp.execute('query-status')) as { readonly running: boolean };
      if (running) runsSince = performance.now();
    }
    const { status, error, bytes } = await migration(qmp);
    if (bytes !== sent) [sent, sentAt] = [bytes, performance.now()];
    if (status === 'completed') return ((runsSince ?? performance.now()) - begin) / 1000;
    if (status === 'failed' || status === 'cancelled') {
      throw new BuilderFault(`QEMU cannot save the machine: ${error ?? status}`);
    }
    if (performance.now() - sentAt > stalledMs) {
      throw new BuilderFault(`QEMU does not get on with saving the machine (${status}, ${bytes} bytes)`);
    }
    await delay(LOOK_EVERY_MS);
  }
}
