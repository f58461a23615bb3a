import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Image } from '@aws-sdk/client-imagebuilder';
import type { MachineImage } from '../image-store/image-store.ts';
import { BuilderFault } from '../util/faults.ts';
import { launchedAmi, launchedWith } from './launched-instance.ts';
import type { BuildStep } from './read-build-steps.ts';

const PARENT = 'arn:aws:imagebuilder:us-east-1:aws:image/debian-server-12-x86/x.x.x';
const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:image/web/1.0.0/1';
const image = (over: object = {}): Image => ({
  arn: ARN,
  imageRecipe: {
    parentImage: PARENT,
    additionalInstanceConfiguration: { userDataOverride: Buffer.from('#!/bin/sh\n').toString('base64') },
    blockDeviceMappings: [
      { deviceName: '/dev/xvda', ebs: { volumeSize: 12 } },
      { deviceName: '/dev/xvdb', ebs: { volumeSize: 3 } },
    ],
  },
  infrastructureConfiguration: { instanceTypes: ['m5.large'] },
  ...over,
});
const launch = (outputs: object): BuildStep => ({
  ...{ name: 'Launch', action: 'LaunchInstance', status: 'COMPLETED', message: '' },
  outputs: { ...outputs },
});

test('an instance is launched again with the user data, the volumes and the types of the build', () => {
  const { userData, ...rest } = launchedWith(image(), launch({ instanceId: 'i-1' }));
  assert.equal(Buffer.from(userData ?? []).toString(), '#!/bin/sh\n');
  assert.deepEqual(rest, {
    instanceTypes: ['m5.large'],
    rootVolumeSizeGiB: 12,
    extraVolumes: [{ deviceName: '/dev/xvdb', sizeGiB: 3 }],
  });
  assert.deepEqual(launchedWith(image(), launch({ instanceTypes: ['t3.small'] })).instanceTypes, ['t3.small']);
  assert.deepEqual(launchedWith({}), { instanceTypes: [], extraVolumes: [] });
});

describe('the parent that a build began with', () => {
  const made = (amiId: string, over: Partial<MachineImage> = {}) =>
    ({ amiId, source: 'catalog:debian-server-12-x86', ...over }) as MachineImage;
  const three = ['ami-1', 'ami-2', 'ami-3'].map((amiId) => made(amiId));
  const amiOf = (step: BuildStep | undefined, images: readonly MachineImage[] = three, of = image()) =>
    launchedAmi(of, step, { list: async () => images }, async () => ({
      image: { outputResources: { amis: [{ image: 'ami-3' }] } },
    }));

  test('is that of its launch, whatever the recipe means now', async () => {
    assert.equal(await amiOf(launch({ instanceId: 'i-1', imageId: 'ami-1' })), 'ami-1');
  });

  test('is that of its own disk where a build was reused whole', async () => {
    assert.equal(await amiOf(undefined, [...three, made('ami-9', { source: ARN, parentAmiId: 'ami-2' })]), 'ami-2');
  });

  test('is what the recipe means now where nothing is on record', async () => {
    assert.equal(await amiOf(launch({ instanceId: 'i-1' })), 'ami-3', 'made last');
    const other = image({ imageRecipe: { parentImage: 'arn:aws:imagebuilder:us-east-1:123456789012:image/x/x.x.x' } });
    assert.equal(await amiOf(undefined, three, other), 'ami-3', 'as the service says');
  });

  test('is missed by name when it is not there any more', async () => {
    await assert.rejects(
      amiOf(launch({ imageId: 'ami-7' })),
      (error) => error instanceof BuilderFault && /debian-server-12-x86.* \(ami-7\) is not in/.test(error.message),
    );
    await assert.rejects(amiOf(undefined, []), /\(no AMI\) is not in the image store any more/);
  });
});
