import { type ActionDefinition, type ActionInput, EVERY_STAGE, minutes } from './definition.ts';

const refused = (type: ActionInput['type'], notYet: string): ActionInput => ({
  type,
  required: false,
  notYet,
  summary: notYet,
});

export const registerImage = {
  summary: 'Makes an AMI of a disk that is in the image store. Nothing is copied.',
  stages: EVERY_STAGE,
  defaultTimeoutSeconds: minutes(540),
  maxTimeoutSeconds: minutes(720),
  inputs: {
    blockDeviceMapping: {
      type: 'mapList',
      required: true,
      maxItems: 1,
      members: {
        DeviceName: { type: 'string', required: true, summary: 'The root device.' },
        Ebs: {
          type: 'map',
          required: true,
          members: {
            SnapshotId: {
              type: 'string',
              required: true,
              summary: 'The disk: `snap-` and the digits of the AMI that it belongs to, or the id of that AMI.',
            },
            VolumeSize: refused('integer', 'AMIs whose disk is larger than their snapshot'),
            VolumeType: { type: 'string', required: false, summary: 'Disks here have one kind of storage.' },
            DeleteOnTermination: {
              type: 'boolean',
              required: false,
              summary: 'Disks of instances always go away with them.',
            },
          },
          summary: 'The volume.',
        },
      },
      summary: 'The root volume. AMIs with further volumes are refused.',
    },
    architecture: {
      type: 'string',
      required: false,
      allowed: ['x86_64', 'arm64'],
      refused: {
        i386: 'Kiln has no 32-bit images',
        x86_64_mac: 'Kiln does not build macOS images',
        arm64_mac: 'Kiln does not build macOS images',
      },
      summary: 'Must be that of the disk.',
    },
    description: { type: 'string', required: false, summary: 'Of the AMI.' },
    includeSnapshotTags: {
      type: 'boolean',
      required: false,
      summary: 'Whether the AMI gets the tags of the AMI that the disk belongs to; its own win.',
    },
    rootDeviceName: { type: 'string', required: false, summary: 'Must be the device of `blockDeviceMapping`.' },
    virtualizationType: {
      type: 'string',
      required: false,
      allowed: ['hvm'],
      refused: { paravirtual: 'QEMU boots hardware virtual machines only' },
      summary: 'Instances here are hardware virtual machines.',
    },
    bootMode: refused('string', 'boot modes of AMIs'),
    enaSupport: refused('boolean', 'network drivers of AMIs'),
    imageLocation: refused('string', 'AMIs whose disk is in S3'),
    imdsSupport: refused('string', 'versions of the metadata service of AMIs'),
    kernelId: refused('string', 'kernels apart from the disk'),
    ramdiskId: refused('string', 'RAM disks apart from the disk'),
    sriovNetSupport: refused('string', 'network drivers of AMIs'),
    tpmSupport: refused('string', 'TPMs of AMIs'),
    uefiData: refused('string', 'UEFI variables of AMIs'),
  },
  outputs: { imageId: { type: 'string', summary: 'The AMI.' } },
} as const satisfies ActionDefinition;
