/** Where a name is valid. */
export interface NamePlace {
  readonly stackName: string;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/**
 * Resource types of other services that a template may have because Kiln needs nothing of them but their names: builds
 * here run without AWS credentials, so there is nothing that a role could allow, and log groups appear with their first
 * line (docs/decisions/115-templates-of-cdk.md).
 */
export interface NamedType {
  /** The property that gives the name; without it a name is made from those of stack and resource. */
  readonly nameProperty: string;
  /** Undefined: it has no ARN that a template could ask for. `path` is the property `Path`, of IAM's types. */
  readonly arn?: (name: string, place: NamePlace, path: string) => string;
  /** What `Ref` gives. */
  readonly ref: 'Name' | 'Arn' | undefined;
  readonly attributes: readonly string[];
}

const ofIam =
  (kind: string) =>
  (name: string, { partition, accountId }: NamePlace, path: string): string =>
    `arn:${partition}:iam::${accountId}:${kind}${path}${name}`;

export type NamedTypeName = keyof typeof NAMED_TYPES;

/** Source: AWS CloudFormation Template Reference, "AWS Identity and Access Management resource type reference". */
export const NAMED_TYPES = {
  'AWS::IAM::Role': { nameProperty: 'RoleName', arn: ofIam('role'), ref: 'Name', attributes: ['Arn'] },
  'AWS::IAM::InstanceProfile': {
    nameProperty: 'InstanceProfileName',
    arn: ofIam('instance-profile'),
    ref: 'Name',
    attributes: ['Arn'],
  },
  'AWS::IAM::Policy': { nameProperty: 'PolicyName', ref: 'Name', attributes: [] },
  'AWS::IAM::RolePolicy': { nameProperty: 'PolicyName', ref: 'Name', attributes: [] },
  'AWS::IAM::ManagedPolicy': {
    nameProperty: 'ManagedPolicyName',
    arn: ofIam('policy'),
    ref: 'Arn',
    attributes: ['PolicyArn'],
  },
  'AWS::Logs::LogGroup': {
    nameProperty: 'LogGroupName',
    arn: (name, { partition, region, accountId }) => `arn:${partition}:logs:${region}:${accountId}:log-group:${name}:*`,
    ref: 'Name',
    attributes: ['Arn'],
  },
  // What CDK writes about itself.
  'AWS::CDK::Metadata': { nameProperty: 'Name', ref: undefined, attributes: [] },
} as const satisfies Readonly<Record<string, NamedType>>;

export function isNamedType(type: string): type is NamedTypeName {
  return Object.hasOwn(NAMED_TYPES, type);
}

/** Why a type of another service is refused, for those that templates with Image Builder resources often have. */
export const FOREIGN_TYPES: Readonly<Record<string, string>> = {
  'AWS::CloudFormation::Stack': 'nested stacks are templates of their own: apply them one by one',
  'AWS::EC2::SecurityGroup': 'build instances are in no network of EC2',
  'AWS::EC2::Subnet': 'build instances are in no network of EC2',
  'AWS::EC2::VPC': 'build instances are in no network of EC2',
  'AWS::ECR::Repository': 'name a repository by its name',
  'AWS::Events::Rule': 'rules are made with `kiln rule`',
  'AWS::KMS::Key': 'Kiln encrypts nothing with KMS keys',
  'AWS::Lambda::Function': 'Kiln runs no functions',
  'AWS::S3::Bucket': 'make the name of a bucket a parameter',
  'AWS::SNS::Topic': 'make its ARN a parameter; topics are made with `kiln topic`',
  'AWS::SSM::Parameter': 'Kiln reads parameters and makes none',
};
