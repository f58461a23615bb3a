import { formatArn, parseArn } from '../contract/arn.ts';
import { parseVersion } from '../contract/version.ts';

/** Attributes of an applied resource, by the names that `Fn::GetAtt` uses. */
export type Attributes = Readonly<Record<string, string>>;

/** Attributes that follow from a resource's ARN and name. */
export function attributesOf(arn: string, name: string): Attributes {
  const parsed = parseArn(arn);
  const version = parsed?.version === undefined ? undefined : parseVersion(parsed.version);
  if (parsed === undefined || version === undefined) return { Arn: arn, Name: name };
  const { build: _, ...withoutBuild } = parsed;
  // The nodes as they are written in the ARN: leading zeros count there.
  const [major = '', minor = ''] = parsed.version?.split('.') ?? [];
  const at = (wildcard: string): string => formatArn({ ...withoutBuild, version: wildcard });
  return {
    Arn: arn,
    Name: name,
    'LatestVersion.Arn': at('x.x.x'),
    'LatestVersion.Major': at(`${major}.x.x`),
    'LatestVersion.Minor': at(`${major}.${minor}.x`),
    'LatestVersion.Patch': formatArn(withoutBuild),
  };
}
