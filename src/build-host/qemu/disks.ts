import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailure } from '../../util/faults.ts';
import type { LaunchRequest } from '../build-host.ts';
import { FILES } from './instance-record.ts';
import { type QemuPrograms, runProgram } from './programs.ts';
import { MOST_VOLUMES, type VolumeSpec } from './qemu-command.ts';

const GIB = 1024 ** 3;
/** virtio-blk has no room for more. */
const LONGEST_SERIAL = 20;

/**
 * Makes the root disk, an overlay on the parent, and the further volumes in the instance's folder; gives the latter.
 * A size or a number of volumes that cannot be had is a BuildFailure.
 */
export async function makeDisks(
  folder: string,
  request: LaunchRequest,
  programs: QemuPrograms,
  signal: AbortSignal,
): Promise<readonly VolumeSpec[]> {
  const { parentDisk, rootVolumeSizeGiB, extraVolumes } = request;
  if (extraVolumes.length > MOST_VOLUMES) {
    throw new BuildFailure(
      `An instance can have ${MOST_VOLUMES} volumes beside its root volume; the recipe has ${extraVolumes.length}.`,
    );
  }
  const options = { cwd: folder, signal };
  const create = (args: readonly string[]): Promise<string> =>
    runProgram(programs, 'qemuImg', ['create', '-q', '-f', 'qcow2', ...args], options);

  const size = rootVolumeSizeGiB === undefined ? [] : [String(rootVolumeSizeGiB * GIB)];
  if (rootVolumeSizeGiB !== undefined) {
    const args = ['info', '--output=json', '-f', parentDisk.format, parentDisk.path];
    const virtualSize = Number(JSON.parse(await runProgram(programs, 'qemuImg', args, options))['virtual-size']);
    if (rootVolumeSizeGiB * GIB < virtualSize) {
      throw new BuildFailure(
        `The root volume cannot have ${rootVolumeSizeGiB} GiB: the parent image's disk has ${(virtualSize / GIB).toFixed(1)} GiB.`,
      );
    }
  }
  if (request.overlay === undefined) {
    await create(['-b', parentDisk.path, '-F', parentDisk.format, FILES.rootDisk, ...size]);
  } else {
    await rename(request.overlay, join(folder, FILES.rootDisk));
    if (size.length > 0)
      await runProgram(programs, 'qemuImg', ['resize', '-q', '-f', 'qcow2', FILES.rootDisk, ...size], options);
  }

  const volumes: VolumeSpec[] = [];
  for (const [index, { deviceName, sizeGiB }] of extraVolumes.entries()) {
    const file = `volume-${index}.qcow2`;
    await create([file, String(sizeGiB * GIB)]);
    volumes.push({ file, serial: deviceName.replace(/^\/dev\//, '').slice(-LONGEST_SERIAL) });
  }
  return volumes;
}
