import type { Ownership } from '@aws-sdk/client-imagebuilder';
import { invalidParameter } from '../contract/errors.ts';
import type { Partly } from '../contract/operations.ts';
import { invalidCombination } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';

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

/** Reports a filter on versions together with `byName`, which lists one entry per name. */
export function checkByName(
  request: Partly<{ byName?: boolean | undefined; filters?: { name?: string | undefined }[] | undefined }>,
  problems: RequestProblems,
): void {
  if (request.byName === true && request.filters?.some((filter) => filter?.name === 'version')) {
    problems.add(invalidCombination('byName', "It cannot be combined with the filter 'version'."));
  }
}

/** Reports an owner of whom there is no such list at all. */
export function checkOwner(
  what: string,
  owners: readonly Ownership[],
  owner: Ownership | undefined,
  problems: RequestProblems,
): void {
  if (owner === undefined || owners.includes(owner)) return;
  const listed = `${owners.slice(0, -1).join(', ')} and ${owners.at(-1)}`;
  problems.add(invalidParameter('owner', `${what} are listed for ${listed}, not for ${owner}.`));
}

/** The list of nobody's resources. */
export const NOTHING = { read: () => Promise.resolve([]), cursor: () => [] };
