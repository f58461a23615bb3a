import type { InstanceBlockDeviceMapping } from '@aws-sdk/client-imagebuilder';
import { ROOT_DEVICE_NAMES } from '../contract/ami-settings.ts';
import { invalidParameter } from '../contract/errors.ts';
import { invalidCombination } from './refusals.ts';

/** What volume types demand of their companions; `parent` begins the paths of errors. Source: API Reference, EbsInstanceBlockDeviceSpecification. */
export function checkBlockDevices(mappings: readonly InstanceBlockDeviceMapping[], parent = ''): void {
  const seen = new Set<string>();
  for (const [index, { deviceName, ebs }] of mappings.entries()) {
    const path = `${parent}blockDeviceMappings[${index}]`;
    if (deviceName === undefined) throw invalidParameter(`${path}.deviceName`, 'A mapping needs a device name.');
    if (seen.has(deviceName)) {
      throw invalidParameter(`${path}.deviceName`, `The device '${deviceName}' is mapped twice.`);
    }
    seen.add(deviceName);
    if (ebs === undefined) throw invalidParameter(path, 'A mapping needs an ebs volume.');
    if (ebs.volumeSize === undefined && !ROOT_DEVICE_NAMES.includes(deviceName)) {
      throw invalidParameter(`${path}.ebs.volumeSize`, `'${deviceName}' is not the root volume, so it needs a size.`);
    }
    const type = ebs.volumeType;
    if ((type === 'io1' || type === 'io2') && ebs.iops === undefined) {
      throw invalidCombination(`${path}.ebs.iops`, `It is required for volumes of type ${type}.`);
    }
    if (ebs.throughput !== undefined && type !== 'gp3') {
      throw invalidCombination(`${path}.ebs.throughput`, 'It is allowed only for volumes of type gp3.');
    }
  }
}
