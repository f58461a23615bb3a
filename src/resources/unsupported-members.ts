/**
 * What AWS has and Kiln does not have yet, as data: one entry per member of a request. A request that carries such a
 * member is refused by its name, so that nothing is accepted and ignored.
 *
 * Members that are accepted without an effect on the build are *records*, each with its reason. A test finds members
 * that are neither refused, nor recorded, nor known to have an effect. See docs/decisions/030-records-and-refusals.md.
 */
import { notYet } from '../contract/errors.ts';
import type { OperationName } from '../contract/operations.ts';
import { RequestProblems } from './request-problems.ts';

interface UnsupportedMember {
  /** Path from the input, `[]` for every element of a list: `blockDeviceMappings[].ebs.kmsKeyId`. */
  readonly path: string;
  /** What the member is for, in the words of the refusal. */
  readonly what: string;
  /** Values that ask for nothing that Kiln lacks. */
  readonly harmless?: (value: unknown) => boolean;
}

const isFalse = (value: unknown): boolean => value === false;
const isTrue = (value: unknown): boolean => value === true;

const INFRASTRUCTURE: readonly UnsupportedMember[] = [
  { path: 'subnetId', what: 'placing build instances in a subnet' },
  { path: 'securityGroupIds', what: 'security groups of build instances' },
  { path: 'keyPair', what: 'EC2 key pairs' },
  { path: 'logging.s3Logs', what: 'logs in S3' },
  { path: 'placement.availabilityZone', what: 'availability zones' },
  { path: 'placement.tenancy', what: 'dedicated tenancy', harmless: (tenancy) => tenancy === 'default' },
  { path: 'placement.hostId', what: 'dedicated hosts' },
  { path: 'placement.hostResourceGroupArn', what: 'host resource groups' },
];

const DISTRIBUTION: readonly UnsupportedMember[] = [
  { path: 'distributions[].containerDistributionConfiguration', what: 'distribution of container images' },
  { path: 'distributions[].licenseConfigurationArns', what: 'License Manager configurations' },
  { path: 'distributions[].launchTemplateConfigurations', what: 'launch templates' },
  { path: 'distributions[].ssmParameterConfigurations[].amiAccountId', what: 'SSM parameters for other accounts' },
  { path: 'distributions[].s3ExportConfiguration', what: 'export to S3' },
  { path: 'distributions[].fastLaunchConfigurations', what: 'Windows fast launch' },
  { path: 'distributions[].amiDistributionConfiguration.targetAccountIds', what: 'distribution to other accounts' },
  { path: 'distributions[].amiDistributionConfiguration.kmsKeyId', what: 'encryption with KMS keys' },
];

const BUILD: readonly UnsupportedMember[] = [
  { path: 'containerRecipeArn', what: 'container recipes' },
  {
    path: 'imageScanningConfiguration.imageScanningEnabled',
    what: 'image scanning',
    harmless: isFalse,
  },
  { path: 'imageScanningConfiguration.ecrConfiguration', what: 'image scanning' },
];

const KMS_KEY: readonly UnsupportedMember[] = [{ path: 'kmsKeyId', what: 'encryption with KMS keys' }];

export const UNSUPPORTED_MEMBERS: { readonly [Name in OperationName]?: readonly UnsupportedMember[] } = {
  CreateComponent: KMS_KEY,
  ImportComponent: KMS_KEY,
  CreateWorkflow: KMS_KEY,
  CreateContainerRecipe: KMS_KEY,
  StartResourceStateUpdate: [
    { path: 'updateAt', what: 'changes of state at a later time' },
    { path: 'exclusionRules.amis', what: 'excluding AMIs from a change of state' },
  ],
  CreateImageRecipe: [
    { path: 'amiWatermarks', what: 'AMI watermarks' },
    {
      path: 'additionalInstanceConfiguration.systemsManagerAgent.uninstallAfterBuild',
      what: 'removing the Systems Manager agent',
      // Kiln never installs the agent, so leaving in what is there is what happens anyway.
      harmless: isFalse,
    },
    { path: 'blockDeviceMappings[].virtualName', what: 'instance store volumes' },
    { path: 'blockDeviceMappings[].noDevice', what: 'removing volumes of the parent image' },
    { path: 'blockDeviceMappings[].ebs.encrypted', what: 'encrypted volumes', harmless: isFalse },
    { path: 'blockDeviceMappings[].ebs.kmsKeyId', what: 'encryption with KMS keys' },
    { path: 'blockDeviceMappings[].ebs.snapshotId', what: 'volumes made from snapshots' },
    {
      path: 'blockDeviceMappings[].ebs.deleteOnTermination',
      what: 'volumes that outlive their instance',
      harmless: isTrue,
    },
  ],
  CreateInfrastructureConfiguration: INFRASTRUCTURE,
  UpdateInfrastructureConfiguration: INFRASTRUCTURE,
  CreateDistributionConfiguration: DISTRIBUTION,
  UpdateDistributionConfiguration: DISTRIBUTION,
  CreateImagePipeline: BUILD,
  UpdateImagePipeline: BUILD,
  CreateImage: BUILD,
};

interface RecordedMember {
  readonly path: string;
  /** Why it needs no effect. */
  readonly because: string;
}

const INFRASTRUCTURE_RECORDS: readonly RecordedMember[] = [
  { path: 'instanceProfileName', because: 'Instances here have no AWS credentials; workflows can read the name.' },
  { path: 'resourceTags', because: 'Build instances end with their build, and nothing selects them by tags.' },
  {
    path: 'instanceMetadataOptions',
    because: 'They restrict the instance metadata service, and there is none that would answer.',
  },
];

const BUILD_RECORDS: readonly RecordedMember[] = [
  { path: 'imageTestsConfiguration.timeoutMinutes', because: 'AWS documents it as having no effect.' },
  { path: 'executionRole', because: 'Builds act in the name of the service and take on no role.' },
];

const LIFECYCLE_RECORDS: readonly RecordedMember[] = [
  'executionRole',
  'resourceType',
  'policyDetails',
  'resourceSelection',
].map((path) => ({ path, because: 'It is checked and kept; carrying policies out (ENABLED) is refused by name.' }));

/** Members that are kept and answered, and need no effect to be true. */
export const RECORDED_MEMBERS: { readonly [Name in OperationName]?: readonly RecordedMember[] } = {
  CreateImageRecipe: [
    { path: 'blockDeviceMappings[].ebs.volumeType', because: 'Disks here have one kind of storage.' },
    { path: 'blockDeviceMappings[].ebs.iops', because: 'Disks here are not throttled.' },
    { path: 'blockDeviceMappings[].ebs.throughput', because: 'Disks here are not throttled.' },
  ],
  CreateInfrastructureConfiguration: INFRASTRUCTURE_RECORDS,
  UpdateInfrastructureConfiguration: INFRASTRUCTURE_RECORDS,
  CreateImagePipeline: BUILD_RECORDS,
  UpdateImagePipeline: BUILD_RECORDS,
  CreateImage: BUILD_RECORDS,
  CreateContainerRecipe: [
    'containerType',
    'parentImage',
    'targetRepository',
    'components',
    'instanceConfiguration',
    'dockerfileTemplateData',
    'dockerfileTemplateUri',
    'platformOverride',
    'imageOsVersionOverride',
    'workingDirectory',
  ].map((path) => ({ path, because: 'It is checked and kept; building containers is refused by name.' })),
  CreateLifecyclePolicy: LIFECYCLE_RECORDS,
  UpdateLifecyclePolicy: LIFECYCLE_RECORDS,
  ListImages: [{ path: 'includeDeprecated', because: 'It concerns images of Amazon, of which Kiln deprecates none.' }],
  StartResourceStateUpdate: [
    { path: 'executionRole', because: 'The service removes its own AMIs and takes on no role for it.' },
  ],
};

/** Throws a refusal of all members in `input` that Kiln does not have yet. Empty lists and maps ask for nothing. */
export function refuseUnsupportedMembers(operation: OperationName, input: object): void {
  const problems = new RequestProblems();
  reportUnsupportedMembers(operation, input, problems);
  problems.throwIfAny();
}

/** As {@link refuseUnsupportedMembers}, with whatever else is wrong with the request. */
export function reportUnsupportedMembers(operation: OperationName, input: object, problems: RequestProblems): void {
  for (const { path, what, harmless } of UNSUPPORTED_MEMBERS[operation] ?? []) {
    for (const found of valuesAt(input, path.split('.'), '')) {
      if (problems.isFull) return;
      if (isEmpty(found.value) || harmless?.(found.value) === true) continue;
      problems.add(notYet(`'${found.path}' (${what})`, [found.path]));
    }
  }
}

interface Found {
  readonly path: string;
  readonly value: unknown;
}

function* valuesAt(value: unknown, segments: readonly string[], path: string): Generator<Found> {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    yield { path, value };
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const isList = segment.endsWith('[]');
  const name = isList ? segment.slice(0, -2) : segment;
  const member: unknown = (value as Record<string, unknown>)[name];
  const memberPath = path === '' ? name : `${path}.${name}`;
  if (!isList) {
    yield* valuesAt(member, rest, memberPath);
  } else if (Array.isArray(member)) {
    for (const [index, element] of member.entries()) yield* valuesAt(element, rest, `${memberPath}[${index}]`);
  }
}

/** `noDevice: ""` is a value, so an empty string is not empty here. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && !(value instanceof Date) && Object.keys(value).length === 0;
}
