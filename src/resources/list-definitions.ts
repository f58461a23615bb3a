/** Lists of recipes, configurations and pipelines, in order of creation. */
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { bySeq, type ListedDefinition, summaryOf } from './definition-lists.ts';
import { describedPipeline } from './image-pipelines.ts';
import { byValue, type Filters, listPage } from './lists.ts';
import { ownedBy } from './owners.ts';
import type { Service } from './service.ts';
import { sharedDefinitions } from './shared-lists.ts';

function byMember(member: string): (row: ListedDefinition, value: string) => boolean {
  return byValue((row) => row.document[member]);
}

function filtersOn(...members: readonly string[]): Filters<ListedDefinition> {
  return Object.fromEntries(members.map((member) => [member, byMember(member)]));
}

function summary(row: ListedDefinition, ...members: readonly string[]) {
  return { arn: row.arn, ...summaryOf(row, members), tags: row.tags };
}

export const RECIPE_FILTERS = filtersOn('name', 'parentImage', 'platform');
export const CONFIGURATION_FILTERS = filtersOn('name');
export const PIPELINE_FILTERS = filtersOn(
  'description',
  'distributionConfigurationArn',
  'imageRecipeArn',
  'infrastructureConfigurationArn',
  'name',
  'status',
);

export async function listImageRecipes(
  service: Service,
  input: InputOf<'ListImageRecipes'>,
): Promise<OutputOf<'ListImageRecipes'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImageRecipes',
    filters: RECIPE_FILTERS,
    ...ownedBy(input.owner, {
      own: () => bySeq(service, 'image-recipe'),
      shared: () => sharedDefinitions(service, 'image-recipe'),
    }),
    item: (row: ListedDefinition) => summary(row, 'name', 'platform', 'owner', 'parentImage', 'dateCreated'),
  });
  return { imageRecipeSummaryList: items, ...next };
}

export async function listInfrastructureConfigurations(
  service: Service,
  input: InputOf<'ListInfrastructureConfigurations'>,
): Promise<OutputOf<'ListInfrastructureConfigurations'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListInfrastructureConfigurations',
    filters: CONFIGURATION_FILTERS,
    ...bySeq(service, 'infrastructure-configuration'),
    item: (row) =>
      summary(
        row,
        'name',
        'description',
        'dateCreated',
        'dateUpdated',
        'resourceTags',
        'instanceTypes',
        'instanceProfileName',
        'placement',
      ),
  });
  return { infrastructureConfigurationSummaryList: items, ...next };
}

export async function listDistributionConfigurations(
  service: Service,
  input: InputOf<'ListDistributionConfigurations'>,
): Promise<OutputOf<'ListDistributionConfigurations'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListDistributionConfigurations',
    filters: CONFIGURATION_FILTERS,
    ...bySeq(service, 'distribution-configuration'),
    item: (row) => ({
      ...summary(row, 'name', 'description', 'dateCreated', 'dateUpdated'),
      regions: ((row.document['distributions'] ?? []) as { region: string }[]).map(({ region }) => region),
    }),
  });
  return { distributionConfigurationSummaryList: items, ...next };
}

export async function listImagePipelines(
  service: Service,
  input: InputOf<'ListImagePipelines'>,
): Promise<OutputOf<'ListImagePipelines'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListImagePipelines',
    filters: PIPELINE_FILTERS,
    ...bySeq(service, 'image-pipeline'),
    item: (row) => describedPipeline(service, row),
  });
  return { imagePipelineList: await Promise.all(items), ...next };
}
