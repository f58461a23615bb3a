/** Operations whose effect does not exist yet. Each is refused by what it is for. */
import { notYet } from '../contract/errors.ts';
import type { OutputOf } from '../contract/operations.ts';

/** What the refusal names. */
export const REFUSED_OPERATIONS = {
  DistributeImage: 'DistributeImage (distributing an image apart from its build)',
  GetMarketplaceResource: 'GetMarketplaceResource (AWS Marketplace)',
  ImportDiskImage: 'ImportDiskImage (images from Windows ISO files)',
  ImportVmImage: 'ImportVmImage (images from EC2 import tasks; `kiln import` takes disk files)',
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
