import type { Ownership } from '@aws-sdk/client-imagebuilder';
import { invalidCombination } from './refusals.ts';

/** What a list has of each owner that can be asked for. */
interface Owned<Rows> {
  readonly own: () => Rows;
  readonly shared: () => Rows;
  /** What Kiln provides itself. */
  readonly amazon?: () => Rows;
}

/** The rows that a list is asked for. Kiln has no Marketplace, so lists of `ThirdParty` and `AWSMarketplace` are empty. */
export function ownedBy<Rows>(
  owner: Ownership | undefined,
  { own, shared, amazon }: Owned<Rows>,
): Rows | typeof NOTHING {
  if (owner === undefined || owner === 'Self') return own();
  if (owner === 'Shared') return shared();
  return owner === 'Amazon' && amazon !== undefined ? amazon() : NOTHING;
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
