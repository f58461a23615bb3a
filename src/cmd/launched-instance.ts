import type { Image } from '@aws-sdk/client-imagebuilder';
import type { LaunchRequest } from '../build-host/build-host.ts';
import { volumesOf } from '../engine/recipe-parts.ts';
import type { ImageStore } from '../image-store/image-store.ts';
import { BuilderFault } from '../util/faults.ts';
import { type Ask, parentAmi } from './planned-build.ts';
import type { BuildStep } from './read-build-steps.ts';

/** With what the build instance of an image was launched: what it is told at its first boot, and what its machine has. */
export type LaunchedWith = Pick<LaunchRequest, 'instanceTypes' | 'rootVolumeSizeGiB' | 'extraVolumes' | 'userData'>;

/** @param launch The step that launched it; undefined when the build has none on record. */
export function launchedWith({ imageRecipe, infrastructureConfiguration }: Image, launch?: BuildStep): LaunchedWith {
  const { rootVolumeSizeGiB, extraVolumes } = volumesOf(imageRecipe?.blockDeviceMappings ?? []);
  const userData = imageRecipe?.additionalInstanceConfiguration?.userDataOverride;
  const { instanceTypes } = launch?.outputs ?? {};
  return {
    instanceTypes: Array.isArray(instanceTypes) ? instanceTypes : (infrastructureConfiguration?.instanceTypes ?? []),
    extraVolumes,
    ...(rootVolumeSizeGiB === undefined ? {} : { rootVolumeSizeGiB }),
    ...(userData === undefined ? {} : { userData: Buffer.from(userData, 'base64') }),
  };
}

/**
 * The AMI that the build began with: that of its launch, that of which its own disk is made, or else what its recipe means
 * now. Throws a BuilderFault when it is not in the image store.
 */
export async function launchedAmi(
  { arn, imageRecipe }: Image,
  launch: BuildStep | undefined,
  imageStore: Pick<ImageStore, 'list'>,
  ask: Ask,
): Promise<string> {
  const images = await imageStore.list();
  const onRecord = launch?.outputs['imageId'];
  const own = images.findLast(({ source }) => source === arn);
  const amiId = typeof onRecord === 'string' ? onRecord : (own?.parentAmiId ?? (await meantNow()));
  if (images.some((image) => image.amiId === amiId)) return amiId ?? '';
  throw new BuilderFault(
    `The parent image ${imageRecipe?.parentImage} (${amiId ?? 'no AMI'}) is not in the image store any more.`,
    { hint: 'Enter the state before a later component, or build again.' },
  );

  function meantNow(): Promise<string | undefined> {
    return parentAmi(imageRecipe?.parentImage ?? '', imageStore, ask);
  }
}
