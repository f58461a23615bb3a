import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import { BuilderFault } from '../../util/faults.ts';
import { lockFile } from '../../util/file-lock.ts';
import type { CaptureRequest, MachineImage, StoreContext } from '../image-store.ts';
import { diskInfo } from './disk-info.ts';
import { diskName, diskPath, isAmiId, type Layout, lockPath } from './layout.ts';
import { placeDisk, readyDisk } from './place-disk.ts';
import { qemuImg } from './qemu-img.ts';
import { readRecord, writeRecord } from './records.ts';
import { storageFault } from './storage-fault.ts';
import { allocatedBytes } from './stored-size.ts';
import { verifyDisk } from './verified-disk.ts';

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
    const { virtualSize } = await setParent(layout, request.diskPath, parent, signal, action);
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
      virtualSize,
      storedSize: await allocatedBytes(request.diskPath),
      tags: request.tags,
      createdAt: clock.now().toISOString(),
      source: request.source,
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

/**
 * Points the overlay at its parent by a name relative to the disks folder; refuses an overlay on something else, which
 * would be a disk with two different halves.
 */
async function setParent(
  layout: Layout,
  file: string,
  parent: MachineImage,
  signal: AbortSignal,
  action: string,
): Promise<{ readonly virtualSize: number }> {
  const info = await diskInfo(file, 'qcow2', { signal, action });
  const relative = diskName(parent.digest);
  const isFirstTime = info.backingFile !== undefined && resolve(info.backingFile) === diskPath(layout, parent.digest);
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
  return { virtualSize: info.virtualSize };
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
