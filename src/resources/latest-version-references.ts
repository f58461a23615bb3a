import type { LatestVersionReferences } from '@aws-sdk/client-imagebuilder';

/**
 * The references that Create and Get answer beside a versioned resource: for `1.2.3` they end in `x.x.x`, `1.x.x`,
 * `1.2.x` and `1.2.3`, never with a build.
 */
export function latestVersionReferences(arn: string): LatestVersionReferences {
  const [, name, major, minor, patch] = /^(.*\/)([^./]+)\.([^./]+)\.([^./]+)(?:\/[0-9]+)?$/.exec(arn) ?? [];
  return {
    latestVersionArn: `${name}x.x.x`,
    latestMajorVersionArn: `${name}${major}.x.x`,
    latestMinorVersionArn: `${name}${major}.${minor}.x`,
    latestPatchVersionArn: `${name}${major}.${minor}.${patch}`,
  };
}
