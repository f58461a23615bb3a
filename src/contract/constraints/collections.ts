/**
 * How many elements lists and maps may have, and what holds for each of them. Collections that are not here have no
 * bounds; elements that are structures are constrained by their own members. Source: as in simple-types.ts.
 */
import type { Bounds } from './constraint.ts';
import type { SimpleTypeName } from './simple-types.ts';

interface Collection {
  readonly items?: Bounds;
  /** What each list element or map value must be. */
  readonly of?: SimpleTypeName;
  readonly keys?: SimpleTypeName;
}

const NO_LIMIT = Number.POSITIVE_INFINITY;

export const COLLECTIONS = {
  AccountList: { items: [1, 1_536], of: 'AccountId' },
  AmiWatermarksList: { items: [1, 5], of: 'AmiWatermarkName' },
  AtLeastOne: { items: [1, NO_LIMIT] },
  ComponentParameterValueList: { of: 'ComponentParameterValue' },
  FastLaunchConfigurationList: { items: [1, 1_000] },
  FilterList: { items: [1, 10] },
  FilterValues: { items: [1, 10], of: 'FilterValue' },
  ImageScanFindingsFilterList: { items: [1, 1] },
  ImageScanFindingsFilterValues: { items: [1, 1], of: 'FilterValue' },
  LaunchTemplateConfigurationList: { items: [1, 100] },
  LicenseConfigurationArnList: { items: [1, 50], of: 'LicenseConfigurationArn' },
  LifecyclePolicyDetails: { items: [1, 3] },
  LifecyclePolicyResourceSelectionRecipes: { items: [1, 50] },
  OrganizationArnList: { items: [1, 25], of: 'OrganizationArn' },
  OrganizationalUnitArnList: { items: [1, 25], of: 'OrganizationalUnitArn' },
  OsVersionList: { items: [1, 25], of: 'OsVersion' },
  ResourceTagMap: { items: [1, 30], keys: 'TagKey', of: 'TagValue' },
  StringList: { of: 'NonEmptyString' },
  TagKeyList: { items: [1, 50], of: 'TagKey' },
  TagMap: { items: [1, 50], keys: 'TagKey', of: 'TagValue' },
  WorkflowParameterValueList: { of: 'WorkflowParameterValue' },
} as const satisfies Record<string, Collection>;

export type CollectionName = keyof typeof COLLECTIONS;

export function collection(name: CollectionName): Collection {
  return COLLECTIONS[name];
}
