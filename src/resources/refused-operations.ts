/** Operations whose effect does not exist yet. Each is refused by what it is for. */
import { type AwsError, notYet } from '../contract/errors.ts';
import type { OutputOf } from '../contract/operations.ts';

/** What the refusal names. */
export const REFUSED_OPERATIONS = {
  DistributeImage: 'DistributeImage (distributing an image apart from its build)',
  GetMarketplaceResource: 'GetMarketplaceResource (AWS Marketplace)',
  ImportDiskImage: 'ImportDiskImage (images from Windows ISO files)',
  ImportVmImage: 'ImportVmImage (images from EC2 import tasks; `kiln import` takes disk files)',
} as const;

/** Why an operation is refused, whatever the request. */
export function refusal(operation: keyof typeof REFUSED_OPERATIONS): AwsError {
  return notYet(REFUSED_OPERATIONS[operation]);
}

export async function distributeImage(): Promise<OutputOf<'DistributeImage'>> {
  throw refusal('DistributeImage');
}

export async function getMarketplaceResource(): Promise<OutputOf<'GetMarketplaceResource'>> {
  throw refusal('GetMarketplaceResource');
}

export async function importDiskImage(): Promise<OutputOf<'ImportDiskImage'>> {
  throw refusal('ImportDiskImage');
}

export async function importVmImage(): Promise<OutputOf<'ImportVmImage'>> {
  throw refusal('ImportVmImage');
}
