import { type ImageBuilderArn, parseArn } from '../contract/arn.ts';
import { invalidParameter } from '../contract/errors.ts';
import type { InputOf, OutputOf, Partly } from '../contract/operations.ts';
import type { VersionNodes } from '../contract/version.ts';
import { buildsOf, byNameOnly, bySeq, byVersionNumber, type ListedDefinition, summaryOf } from './definition-lists.ts';
import { byValue, byVersion, checkFilters, type Filters, listPage } from './lists.ts';
import { checkByName, NOTHING, ownedBy } from './owners.ts';
import { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';
import { sharedVersions } from './shared-lists.ts';
import { versionNodes } from './versions.ts';

/** Own components have no status, product codes belong to the Marketplace. */
const FILTERS: Filters<ListedDefinition> = {
  description: byValue((row) => row.document['description']),
  name: byValue((row) => row.name),
  platform: byValue((row) => row.document['platform']),
  productCodes: () => false,
  status: (_row, value) => value === 'ACTIVE',
  supportedOsVersion: (row, value) => ((row.document['supportedOsVersions'] ?? []) as string[]).includes(value),
  type: byValue((row) => row.document['type']),
  version: byVersion((row) => row),
};

export function checkListComponents(input: Partly<InputOf<'ListComponents'>>, problems: RequestProblems): void {
  checkByName(input, problems);
  checkFilters(input.filters, FILTERS, problems);
}

/** One entry per version, described by its newest build; one per name with `byName`. */
export async function listComponents(
  service: Service,
  input: InputOf<'ListComponents'>,
): Promise<OutputOf<'ListComponents'>> {
  const problems = new RequestProblems();
  checkListComponents(input, problems);
  problems.throwIfAny();
  const byName = input.byName === true;
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListComponents',
    filters: FILTERS,
    ...ownedBy(input.owner, {
      own: () => (byName ? byNameOnly(service, 'component') : byVersionNumber(service, 'component')),
      shared: () => sharedVersions(service, 'component', byName),
    }),
    item: (row: ListedDefinition) => ({
      arn: row.arn.slice(0, row.arn.lastIndexOf('/')),
      ...summaryOf(row, [
        'name',
        'version',
        'description',
        'platform',
        'supportedOsVersions',
        'type',
        'owner',
        'dateCreated',
      ]),
    }),
  });
  return { componentVersionList: items, ...next };
}

/** All builds of a version, or all builds there are. */
export async function listComponentBuildVersions(
  service: Service,
  input: InputOf<'ListComponentBuildVersions'>,
): Promise<OutputOf<'ListComponentBuildVersions'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListComponentBuildVersions',
    ...rowsOf(service, input.componentVersionArn),
    item: (row) => ({
      arn: row.arn,
      ...summaryOf(row, [
        'name',
        'version',
        'platform',
        'supportedOsVersions',
        'type',
        'owner',
        'description',
        'changeDescription',
        'dateCreated',
      ]),
      tags: row.tags,
    }),
  });
  return { componentSummaryList: items, ...next };
}

function rowsOf(service: Service, componentVersionArn: string | undefined) {
  if (componentVersionArn === undefined) return bySeq(service, 'component');
  const { arn, nodes } = readComponentVersionArn(componentVersionArn);
  const isOwn = arn.owner === service.accountId && arn.region === service.region;
  return isOwn ? buildsOf(service, 'component', { slug: arn.slug, nodes }) : NOTHING;
}

/** Throws what cannot be the ARN of a version. */
export function readComponentVersionArn(text: string): {
  readonly arn: ImageBuilderArn;
  readonly nodes: VersionNodes;
} {
  const arn = parseArn(text);
  if (arn?.version === undefined || arn.kind !== 'component') {
    throw invalidParameter('componentVersionArn', 'It must be the ARN of a component version, without its build.');
  }
  return { arn, nodes: versionNodes('componentVersionArn', arn.version) };
}
