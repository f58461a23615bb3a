/**
 * Patterns, lengths and ranges of the API's simple types, by AWS's names for them. Source: EC2 Image Builder API
 * Reference and the service model of API version 2019-12-02. Patterns are spelled as AWS spells them, because error
 * messages quote them.
 */
import type { Constraint } from './constraint.ts';

const NO_LIMIT = Number.POSITIVE_INFINITY;

const ACCOUNT = '[0-9]{12}';
const OWN = `(?:${ACCOUNT}|aws)`;
const OWN_OR_MANAGED = `(?:${ACCOUNT}|aws(?:-[a-z-]+)?)`;
const OWN_MANAGED_OR_THIRD_PARTY = `(?:${ACCOUNT}|aws(?:-[a-z-]+)?|third-party)`;
const SLUG = '[a-z0-9-_]+';
const VERSION = String.raw`[0-9]+\.[0-9]+\.[0-9]+`;
const WILDCARD = String.raw`(?:[0-9]+|x)\.(?:[0-9]+|x)\.(?:[0-9]+|x)`;
const WILDCARD_OR_BUILD = String.raw`(?:(?:([0-9]+|x)\.([0-9]+|x)\.([0-9]+|x))|(?:${VERSION}/[0-9]+))`;
const ANY_KIND = [
  'image-recipe',
  'container-recipe',
  'infrastructure-configuration',
  'distribution-configuration',
  'component',
  'image',
  'image-pipeline',
  'lifecycle-policy',
  String.raw`workflow\/(?:build|test|distribution)`,
].join('|');
const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';

const arn = (owner: string, resource: string): Constraint => ({
  pattern: `^arn:aws[^:]*:imagebuilder:[^:]+:${owner}:${resource}$`,
});

/** Lifecycle policies and workflows, the younger kinds, take only Regions that look like `us-east-1`. */
const strictArn = (owner: string, resource: string, rest: Constraint = {}): Constraint => ({
  pattern: `^arn:aws(?:-[a-z]+)*:imagebuilder:[a-z]{2,}(?:-[a-z]+)+-[0-9]+:${owner}:${resource}$`,
  ...rest,
});

const workflow = (version: string): string => `workflow/(build|test|distribution)/${SLUG}/${version}`;

export const SIMPLE_TYPES = {
  AccountId: { pattern: `^${ACCOUNT}$` },
  AmiNameString: { length: [1, 127], pattern: String.raw`^[-_A-Za-z0-9{][-_A-Za-z0-9\s:{}\.]+[-_A-Za-z0-9}]$` },
  AmiWatermarkName: {
    length: [3, 128],
    pattern: String.raw`^[A-Za-z0-9()\[\]./'@_\-][A-Za-z0-9 ()\[\]./'@_\-]{1,126}[A-Za-z0-9()\[\]./'@_\-]$`,
  },
  AutoDisableFailureCount: { range: [1, 10] },
  ClientToken: { length: [1, 64] },
  ComponentBuildVersionArn: arn(OWN_MANAGED_OR_THIRD_PARTY, `component/${SLUG}/${VERSION}/[0-9]+`),
  ComponentParameterName: { length: [1, 256], pattern: String.raw`[^\x00]+` },
  ComponentParameterValue: { pattern: String.raw`[^\x00]*` },
  ComponentVersionArn: arn(OWN_MANAGED_OR_THIRD_PARTY, `component/${SLUG}/${VERSION}`),
  ComponentVersionArnOrBuildVersionArn: arn(OWN_MANAGED_OR_THIRD_PARTY, `component/${SLUG}/${WILDCARD_OR_BUILD}`),
  ContainerRecipeArn: arn(OWN, `container-recipe/${SLUG}/${WILDCARD}`),
  DistributionConfigurationArn: arn(OWN, `distribution-configuration/${SLUG}`),
  EbsIopsInteger: { range: [100, 64_000] },
  EbsVolumeSizeInteger: { range: [1, 16_000] },
  EbsVolumeThroughput: { range: [125, 1_000] },
  EmptyString: { length: [0, 0] },
  FilterName: { pattern: '^[a-zA-Z]{1,1024}$' },
  FilterValue: { pattern: '^[0-9a-zA-Z./_ :,{}"-]{1,1024}$' },
  HttpPutResponseHopLimit: { range: [1, 64] },
  HttpTokens: { pattern: 'optional|required' },
  ImageBuildVersionArn: arn(OWN_OR_MANAGED, `image/${SLUG}/${VERSION}/[0-9]+`),
  ImageBuilderArn: arn(
    OWN_MANAGED_OR_THIRD_PARTY,
    String.raw`(?:${ANY_KIND})/${SLUG}(?:/(?:(?:x|[0-9]+)\.(?:x|[0-9]+)\.(?:x|[0-9]+))(?:/[0-9]+)?)?`,
  ),
  ImagePipelineArn: arn(OWN, `image-pipeline/${SLUG}`),
  ImageRecipeArn: arn(OWN, `image-recipe/${SLUG}/${WILDCARD}`),
  ImageTestsTimeoutMinutes: { range: [60, 1_440] },
  ImageVersionArn: arn(OWN_OR_MANAGED, `image/${SLUG}/${VERSION}`),
  ImageVersionArnOrBuildVersionArn: arn(OWN_OR_MANAGED, `image/${SLUG}/${WILDCARD_OR_BUILD}`),
  InfrastructureConfigurationArn: arn(OWN, `infrastructure-configuration/${SLUG}`),
  InlineDocument: { length: [1, 16_000], pattern: String.raw`[^\x00]+` },
  InstanceProfileNameType: { length: [1, 256], pattern: String.raw`^[\w+=,.@-]+$` },
  LaunchTemplateId: { pattern: '^lt-[a-z0-9-_]{17}$' },
  LicenseConfigurationArn: {
    pattern: `^arn:aws[^:]*:license-manager:[^:]+:${ACCOUNT}:license-configuration:lic-[a-z0-9-_]{32}$`,
  },
  LifecycleExecutionId: { pattern: `^lce-${UUID}$` },
  LifecyclePolicyArn: strictArn(OWN, `lifecycle-policy/${SLUG}`, { length: [0, 1_024] }),
  LifecyclePolicyDetailExclusionRulesAmisLastLaunchedValue: { range: [1, 365] },
  LifecyclePolicyDetailFilterRetainAtLeast: { range: [1, 10] },
  LifecyclePolicyDetailFilterValue: { range: [1, 1_000] },
  LogGroupName: { length: [1, 512], pattern: String.raw`^[a-zA-Z0-9\-_/\.]{1,512}$` },
  MarketplaceResourceLocation: { length: [0, 1_024], pattern: '^s3://[^/]+/.+[^/]$' },
  MaxParallelLaunches: { range: [1, NO_LIMIT] },
  NonEmptyString: { length: [1, 1_024] },
  OrganizationArn: { pattern: `^arn:aws[^:]*:organizations::${ACCOUNT}:organization/o-[a-z0-9]{10,32}$` },
  OrganizationalUnitArn: {
    pattern: `^arn:aws[^:]*:organizations::${ACCOUNT}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}`,
  },
  OsVersion: { length: [1, NO_LIMIT] },
  PaginationToken: { length: [1, 65_535] },
  ParallelGroup: { length: [1, 100], pattern: '^[A-Za-z0-9][A-Za-z0-9-_+#]{0,99}$' },
  ResourceName: { pattern: '^[-_A-Za-z-0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z-0-9]$' },
  ResourcePolicyDocument: { length: [1, 30_000] },
  RestrictedInteger: { range: [1, 25] },
  RoleNameOrArn: {
    length: [1, 2_048],
    pattern: String.raw`^(?:arn:aws(?:-[a-z]+)*:iam::${ACCOUNT}:role/)?[a-zA-Z_0-9+=,.@\-_/]+$`,
  },
  SnsTopicArn: { pattern: `^arn:aws[^:]*:sns:[^:]+:${ACCOUNT}:[a-zA-Z0-9-_]{1,256}$` },
  SsmParameterName: { length: [1, 1_011], pattern: String.raw`^[a-zA-Z0-9_.\-\/]+$` },
  TagKey: { length: [1, 128], pattern: String.raw`^(?!aws:)[a-zA-Z0-9\s_.:/=+\-@]*$` },
  TagValue: { length: [0, 256] },
  TargetResourceCount: { range: [1, 10_000] },
  Timezone: { length: [3, 100], pattern: String.raw`[a-zA-Z0-9]{2,}(?:\/[a-zA-Z0-9-_+]+)*` },
  UefiData: { length: [0, 64_000] },
  UserDataOverride: {
    length: [1, 21_847],
    pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
  },
  VersionNumber: { pattern: `^${VERSION}$` },
  WildcardVersionNumber: { pattern: `^${WILDCARD}$` },
  WindowsConfigurationImageIndex: { range: [1, 4_294_967_295] },
  WorkflowBuildVersionArn: strictArn(OWN_OR_MANAGED, workflow(`${VERSION}/[0-9]+`), { length: [0, 1_024] }),
  WorkflowExecutionId: { pattern: `^wf-${UUID}$` },
  WorkflowParameterName: { length: [1, 128], pattern: String.raw`[^\x00]+` },
  WorkflowParameterValue: { pattern: String.raw`[^\x00]*` },
  WorkflowStepExecutionId: { pattern: `^step-${UUID}$` },
  WorkflowVersionArnOrBuildVersionArn: strictArn(OWN_OR_MANAGED, workflow(WILDCARD_OR_BUILD)),
  WorkflowWildcardVersionArn: strictArn(OWN_OR_MANAGED, workflow(WILDCARD)),
} as const satisfies Record<string, Constraint>;

export type SimpleTypeName = keyof typeof SIMPLE_TYPES;
