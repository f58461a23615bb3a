/**
 * The condition keys that Kiln can tell of a request. A policy that asks for another one is refused when it is added,
 * because a key without a value would quietly make its statement mean nothing, or everything.
 * Source: Service Authorization Reference, "Condition keys for Amazon EC2 Image Builder"; IAM User Guide, "AWS global
 * condition context keys".
 */

/** Keys that are complete as they stand, in the spelling of the documentation. */
const KEYS = [
  'aws:CurrentTime',
  'aws:EpochTime',
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalType',
  'aws:RequestedRegion',
  'aws:ResourceAccount',
  'aws:SecureTransport',
  'aws:SourceIp',
  'aws:TagKeys',
  'aws:UserAgent',
  'aws:userid',
  'aws:username',
  'iam:PassedToService',
  'imagebuilder:CreatedResourceTagKeys',
  'imagebuilder:Ec2MetadataHttpTokens',
  'imagebuilder:LifecyclePolicyResourceType',
  'imagebuilder:StatusTopicArn',
] as const;

/** Keys that end in the key of a tag. */
const TAG_KEYS = ['aws:RequestTag/', 'aws:ResourceTag/', 'imagebuilder:CreatedResourceTag/'] as const;

/** Keys with several values, which no variable can stand for. */
const LISTS = new Set(['aws:tagkeys', 'imagebuilder:createdresourcetagkeys']);

export const CONDITION_KEYS: readonly string[] = [...KEYS, ...TAG_KEYS.map((prefix) => `${prefix}TAG-KEY`)];

/** Names of keys are not case-sensitive, and neither are those of tags within them. */
export function isConditionKey(key: string): boolean {
  const wanted = key.toLowerCase();
  return (
    KEYS.some((known) => known.toLowerCase() === wanted) ||
    TAG_KEYS.some((prefix) => wanted.startsWith(prefix.toLowerCase()) && wanted.length > prefix.length)
  );
}

/** Whether `${key}` may stand in a policy. */
export function isPolicyVariable(key: string): boolean {
  return isConditionKey(key) && !LISTS.has(key.toLowerCase());
}

/** What a request says about a key: no value at all, or one or more. Keys in lower case. */
export type RequestContext = ReadonlyMap<string, readonly string[]>;
