import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { BuilderFault } from '../../util/faults.ts';
import type { LaunchRequest } from '../build-host.ts';
import { type HostCapacity, type InstanceTypeTable, type MachineShape, shapeFor } from '../qemu/instance-types.ts';
import { NeedsBoot } from './needs-boot.ts';
import { installHint, missingPrograms, runHost } from './programs.ts';

const GIB = 1024 ** 3;
const DEVICES = ['/dev/fuse', '/dev/loop-control', '/dev/net/tun'];

/** Rejects with a BuilderFault when this host cannot mount disks and make containers. */
export async function checkHost(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new BuilderFault('Only root on Linux can mount the disk of an image.', {
      missingPrerequisite: true,
      hint: 'Run Kiln as root, or build with --executor vm.',
    });
  }
  const missing = await missingPrograms();
  if (missing.length > 0) {
    throw new BuilderFault(`Building without a machine needs ${missing.join(', ')}.`, {
      missingPrerequisite: true,
      hint: installHint(missing),
    });
  }
  for (const device of DEVICES) {
    const usable = await access(device, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!usable) {
      throw new BuilderFault(`Building without a machine needs ${device}.`, { missingPrerequisite: true });
    }
  }
}

/** Gives what the request may use. Rejects with {@link NeedsBoot} when it asks for what only a machine has. */
export async function checkRequest(
  request: LaunchRequest,
  { instanceTypes, capacity }: { readonly instanceTypes: InstanceTypeTable; readonly capacity: HostCapacity },
  signal: AbortSignal,
): Promise<MachineShape> {
  const { parentDisk, rootVolumeSizeGiB } = request;
  if (request.userData !== undefined) throw new NeedsBoot('its user data is run at the first boot');
  if (request.extraVolumes.length > 0) throw new NeedsBoot('it has more volumes than one');
  const shape = shapeFor(request.instanceTypes, instanceTypes, capacity);
  if (shape === undefined) throw new NeedsBoot('its instance types are not known');
  if (rootVolumeSizeGiB === undefined) return shape;
  const info = await runHost('qemu-img', ['info', '--output=json', '-f', parentDisk.format, parentDisk.path], {
    signal,
  });
  if (rootVolumeSizeGiB * GIB !== Number(JSON.parse(info)['virtual-size'])) {
    throw new NeedsBoot('its root volume has another size than the parent image, to which the system adapts at boot');
  }
  return shape;
}
