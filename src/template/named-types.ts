/**
 * Resource types of other services that a template may have because Kiln needs nothing of them but their names: builds
 * here run without AWS credentials, so there is nothing that a role could allow (docs/decisions/115-templates-of-cdk.md).
 */
export interface NamedType {
  /** The property that gives the name; without it a name is made from those of stack and resource. */
  readonly nameProperty: string;
  /** In the ARN: `arn:aws:iam::ACCOUNT:role/PATH/NAME`. Undefined: it has no ARN that a template could ask for. */
  readonly arnKind: string | undefined;
  /** What `Ref` gives. */
  readonly ref: 'Name' | 'Arn' | undefined;
  readonly attributes: readonly string[];
}

export type NamedTypeName = keyof typeof NAMED_TYPES;

/** Source: AWS CloudFormation Template Reference, "AWS Identity and Access Management resource type reference". */
export const NAMED_TYPES = {
  'AWS::IAM::Role': { nameProperty: 'RoleName', arnKind: 'role', ref: 'Name', attributes: ['Arn'] },
  'AWS::IAM::InstanceProfile': {
    nameProperty: 'InstanceProfileName',
    arnKind: 'instance-profile',
    ref: 'Name',
    attributes: ['Arn'],
  },
  'AWS::IAM::Policy': { nameProperty: 'PolicyName', arnKind: undefined, ref: 'Name', attributes: [] },
  'AWS::IAM::RolePolicy': { nameProperty: 'PolicyName', arnKind: undefined, ref: 'Name', attributes: [] },
  'AWS::IAM::ManagedPolicy': {
    nameProperty: 'ManagedPolicyName',
    arnKind: 'policy',
    ref: 'Arn',
    attributes: ['PolicyArn'],
  },
  // What CDK writes about itself.
  'AWS::CDK::Metadata': { nameProperty: 'Name', arnKind: undefined, ref: undefined, attributes: [] },
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
  'AWS::Events::Rule': 'Kiln has no event bus',
  'AWS::KMS::Key': 'Kiln encrypts nothing with KMS keys',
  'AWS::Lambda::Function': 'Kiln runs no functions',
  'AWS::Logs::LogGroup': 'the log of a build is read with `kiln logs`',
  'AWS::S3::Bucket': 'make the name of a bucket a parameter',
  'AWS::SNS::Topic': 'Kiln sends no notifications',
  'AWS::SSM::Parameter': 'Kiln reads parameters and makes none',
};
