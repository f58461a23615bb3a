import type { InstanceBlockDeviceMapping } from '@aws-sdk/client-imagebuilder';
import { ROOT_DEVICE_NAMES } from '../contract/ami-settings.ts';
import type { BuildPlan } from './build-plan.ts';

export const DEFAULT_WORKING_DIRECTORY = '/tmp';

/** The mapping that names the root device changes its size; every other one is an empty volume beside it. */
export function volumesOf(
  mappings: readonly InstanceBlockDeviceMapping[],
): Pick<BuildPlan, 'rootVolumeSizeGiB' | 'extraVolumes'> {
  const root = mappings.find(({ deviceName }) => deviceName !== undefined && ROOT_DEVICE_NAMES.includes(deviceName));
  const extraVolumes = mappings
    .filter((mapping) => mapping !== root)
    .flatMap(({ deviceName, ebs }) =>
      deviceName === undefined || ebs?.volumeSize === undefined ? [] : [{ deviceName, sizeGiB: ebs.volumeSize }],
    );
  return { rootVolumeSizeGiB: root?.ebs?.volumeSize, extraVolumes };
}
