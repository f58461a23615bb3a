import type { Ownership } from '@aws-sdk/client-imagebuilder';
import { invalidCombination } from './refusals.ts';

/**
 * Whose resources a list asks for. Kiln shares nothing and has no Marketplace, so lists of `Shared`, `ThirdParty` and
 * `AWSMarketplace` are empty; `Amazon` is what Kiln provides itself.
 */
export function ownershipOf(owner: Ownership | undefined): 'own' | 'amazon' | 'nobody' {
  if (owner === undefined || owner === 'Self') return 'own';
  return owner === 'Amazon' ? 'amazon' : 'nobody';
}

/** `byName` lists one entry per name, so a filter on versions has nothing to work on. */
export function checkByName(request: {
  byName?: boolean | undefined;
  filters?: { name?: string | undefined }[] | undefined;
}): void {
  if (request.byName === true && request.filters?.some((filter) => filter.name === 'version')) {
    throw invalidCombination('byName', "It cannot be combined with the filter 'version'.");
  }
}

/** The list of nobody's resources. */
export const NOTHING = { read: () => Promise.resolve([]), cursor: () => [] };
