import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import type { CaptureRequest, DiskLayer, MachineImage, StoreContext } from '../image-store.ts';
import { diskInfo } from './disk-info.ts';
import { filesOf, imageChain } from './image-chain.ts';
import { diskName, diskPath, isAmiId, type Layout, lockPath } from './layout.ts';
import { placeDisk, readyDisk } from './place-disk.ts';
import { qemuImg } from './qemu-img.ts';
import { readRecord, writeRecord } from './records.ts';
import { storageFault } from './storage-fault.ts';
import { allocatedBytes } from './stored-size.ts';
import { verifyDisk, verifyLayer } from './verified-disk.ts';
import { verifyChain } from './verify-chain.ts';

/**
 * Beyond these an image gets a copy of what the files below its disk hold: each costs every read of a guest a look into its
 * tables. Of its own layers, and of files of its whole chain: who builds each day on yesterday's image makes that longer.
 */
const MOST_LAYERS = 8;
const MOST_FILES = 16;

/**
 * Makes an instance's overlay the disk of a new machine image. Nothing is copied when instance and store are on one
 * file system. A capture that was cut short can be repeated with the same request: until the record is there the
 * overlay keeps its place.
 */
export async function capture(
  layout: Layout,
  clock: Clock,
  request: CaptureRequest,
  { signal, monitor }: StoreContext,
): Promise<MachineImage> {
  const action = `Capture of ${request.amiId}`;
  if (!isAmiId(request.amiId)) throw new BuilderFault(`${action} failed: that is not an AMI id`);
  const done = await readRecord(layout, request.amiId);
  if (done !== undefined) return done;
  const parent = await readRecord(layout, request.parentAmiId);
  if (parent === undefined) throw missingParent(action, request.parentAmiId);
  await verifyDisk(layout, parent, signal);
  try {
    const layers = request.layers ?? [];
    await verifyLayers(layout, layers, action, signal);
    const isLong = filesOf(await imageChain(layout, parent)) + layers.length + 1 > MOST_FILES;
    const [base] = isLong ? await verifyChain(layout, parent, signal) : [parent];
    const isFlat = isLong || layers.length > MOST_LAYERS;
    const { virtualSize } = await setParent(layout, request, { parent, isFlat, base }, signal, action);
    const kept = isFlat ? [] : layers;
    monitor.line('kiln', `reading the disk of ${request.amiId}`);
    const disk = await readyDisk(request.diskPath, signal);
    const image: MachineImage = {
      amiId: request.amiId,
      name: request.name,
      ...(request.description === undefined ? {} : { description: request.description }),
      platform: parent.platform,
      ...osVersionOf(request, parent),
      architecture: parent.architecture,
      digest: disk.digest,
      parentAmiId: parent.amiId,
      ...(base === parent ? {} : { baseAmiId: base.amiId }),
      virtualSize,
      storedSize: await allocatedBytes(request.diskPath),
      tags: request.tags,
      createdAt: clock.now().toISOString(),
      source: request.source,
      ...(kept.length === 0 ? {} : { layers: kept }),
      ...(request.made === undefined ? {} : { made: request.made }),
    };
    await using _lock = await lockFile(lockPath(layout, 'store'), signal);
    // Somebody may have removed the parent while the disk was read.
    if ((await readRecord(layout, parent.amiId)) === undefined) throw missingParent(action, parent.amiId);
    await placeDisk(layout, disk, signal);
    await writeRecord(layout, image);
    await rm(request.diskPath, { force: true });
    return image;
  } catch (error) {
    signal.throwIfAborted();
    throw storageFault(error, action, layout.root);
  }
}

interface Parent {
  readonly parent: MachineImage;
  /** Whether the disk is to lie on that of `base` alone. */
  readonly isFlat: boolean;
  readonly base: MachineImage;
}

/**
 * Points the overlay at its parent by a name relative to the disks folder; refuses an overlay on something else, which
 * would be a disk with two different halves.
 */
async function setParent(
  layout: Layout,
  request: CaptureRequest,
  { parent, isFlat, base }: Parent,
  signal: AbortSignal,
  action: string,
): Promise<{ readonly virtualSize: number }> {
  const { diskPath: file, layers = [] } = request;
  const info = await diskInfo(file, 'qcow2', { signal, action });
  const below = layers.at(-1)?.name ?? parent.digest;
  const relative = diskName(below);
  const isFirstTime = info.backingFile !== undefined && resolve(info.backingFile) === diskPath(layout, below);
  // A capture that was cut short has done that.
  if (isFlat && info.backingFile === diskName(base.digest)) return { virtualSize: info.virtualSize };
  if (!isFirstTime && info.backingFile !== relative) {
    throw new BuilderFault(`${action} failed: the disk is not an overlay on ${parent.amiId}`, {
      where: file,
      hint: `It is based on ${info.backingFile ?? 'nothing'}.`,
    });
  }
  if (info.otherFiles.length > 0) {
    throw new BuilderFault(`${action} failed: the disk keeps data in other files`, { where: file });
  }
  if (isFirstTime) {
    await qemuImg(['rebase', '-u', '-f', 'qcow2', '-b', relative, '-F', 'qcow2', file], { signal, action, file });
  }
  if (isFlat) await flatten(layout, request, base, signal, action);
  return { virtualSize: info.virtualSize };
}

async function verifyLayers(
  layout: Layout,
  layers: readonly DiskLayer[],
  action: string,
  signal: AbortSignal,
): Promise<void> {
  const whose = { name: `${action} failed: a layer below the disk`, hint: 'Build the image again.' };
  for (const layer of layers) await verifyLayer(layout, layer, whose, signal);
}

/** Takes what lies between into the overlay, so that it lies on the disk of `base` alone. What lies between stays as it is. */
async function flatten(
  layout: Layout,
  { diskPath: file }: CaptureRequest,
  base: MachineImage,
  signal: AbortSignal,
  action: string,
): Promise<void> {
  // A name relative to the disks folder leads nowhere from where the overlay still lies.
  const onto = (below: string, unchecked: readonly string[]): Promise<string> =>
    qemuImg(['rebase', ...unchecked, '-f', 'qcow2', '-b', below, '-F', 'qcow2', file], { signal, action, file });
  const info = await diskInfo(file, 'qcow2', { signal, action });
  await onto(join(layout.disks, info.backingFile ?? ''), ['-u']);
  await onto(diskPath(layout, base.digest), []);
  await onto(diskName(base.digest), ['-u']);
}

function osVersionOf(request: CaptureRequest, parent: MachineImage): { readonly osVersion?: string } {
  const osVersion = request.osVersion ?? parent.osVersion;
  return osVersion === undefined ? {} : { osVersion };
}

function missingParent(action: string, parentAmiId: string): BuilderFault {
  return new BuilderFault(`${action} failed: its parent ${parentAmiId} is not in the image store any more`, {
    hint: 'A parent must stay until the builds on it have ended.',
  });
}
