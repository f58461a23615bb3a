import type { InstanceBlockDeviceMapping } from '@aws-sdk/client-imagebuilder';
import { ROOT_DEVICE_NAMES } from '../contract/ami-settings.ts';
import { invalidParameter } from '../contract/errors.ts';
import type { Partly } from '../contract/operations.ts';
import { invalidCombination } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';

/** What volume types demand of their companions; `parent` begins the paths of errors. Source: API Reference, EbsInstanceBlockDeviceSpecification. */
export function checkBlockDevices(
  mappings: Partly<InstanceBlockDeviceMapping[]> | undefined,
  problems: RequestProblems,
  parent = '',
): void {
  const seen = new Set<string>();
  for (const [index, mapping] of (mappings ?? []).entries()) {
    if (problems.isFull) return;
    if (mapping === undefined) continue;
    const { deviceName, ebs } = mapping;
    const path = `${parent}blockDeviceMappings[${index}]`;
    if (deviceName === undefined) {
      problems.add(invalidParameter(`${path}.deviceName`, 'A mapping needs a device name.'));
    } else if (seen.has(deviceName)) {
      problems.add(invalidParameter(`${path}.deviceName`, `The device '${deviceName}' is mapped twice.`));
    } else seen.add(deviceName);
    if (ebs === undefined) {
      problems.add(invalidParameter(path, 'A mapping needs an ebs volume.'));
      continue;
    }
    if (ebs.volumeSize === undefined && deviceName !== undefined && !ROOT_DEVICE_NAMES.includes(deviceName)) {
      const reason = `'${deviceName}' is not the root volume, so it needs a size.`;
      problems.add(invalidParameter(`${path}.ebs.volumeSize`, reason));
    }
    const type = ebs.volumeType;
    if ((type === 'io1' || type === 'io2') && ebs.iops === undefined) {
      problems.add(invalidCombination(`${path}.ebs.iops`, `It is required for volumes of type ${type}.`));
    }
    if (ebs.throughput !== undefined && type !== 'gp3') {
      problems.add(invalidCombination(`${path}.ebs.throughput`, 'It is allowed only for volumes of type gp3.'));
    }
  }
}
