/** Operations whose effect does not exist yet. Each is refused by what it is for. */
import { AwsError, notFound, notYet } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { findImage } from '../state/find-resource.ts';
import type { Service } from './service.ts';

/** What the refusal names. */
export const REFUSED_OPERATIONS = {
  DistributeImage: 'DistributeImage (distributing an image apart from its build)',
  GetMarketplaceResource: 'GetMarketplaceResource (AWS Marketplace)',
  ImportDiskImage: 'ImportDiskImage (images from Windows ISO files)',
  ImportVmImage: 'ImportVmImage (images from EC2 import tasks; `kiln import` takes disk files)',
  RetryImage: 'RetryImage (going on with a build at its test or distribution phase)',
} as const;

export async function distributeImage(): Promise<OutputOf<'DistributeImage'>> {
  throw notYet(REFUSED_OPERATIONS.DistributeImage);
}

export async function getMarketplaceResource(): Promise<OutputOf<'GetMarketplaceResource'>> {
  throw notYet(REFUSED_OPERATIONS.GetMarketplaceResource);
}

export async function importDiskImage(): Promise<OutputOf<'ImportDiskImage'>> {
  throw notYet(REFUSED_OPERATIONS.ImportDiskImage);
}

export async function importVmImage(): Promise<OutputOf<'ImportVmImage'>> {
  throw notYet(REFUSED_OPERATIONS.ImportVmImage);
}

/** Says first what would be wrong anyway. */
export async function retryImage(
  service: Service,
  { imageBuildVersionArn }: InputOf<'RetryImage'>,
): Promise<OutputOf<'RetryImage'>> {
  const image = await findImage(service.db, imageBuildVersionArn);
  if (image === undefined) throw notFound('imageBuildVersionArn', imageBuildVersionArn);
  if (image.status !== 'FAILED' && image.status !== 'CANCELLED') {
    throw new AwsError(
      'InvalidRequestException',
      `Only an image that is FAILED or CANCELLED can be retried; '${imageBuildVersionArn}' is ${image.status}.`,
    );
  }
  throw notYet(REFUSED_OPERATIONS.RetryImage);
}
