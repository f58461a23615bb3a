/**
 * ARNs of Image Builder resources: `arn:PARTITION:imagebuilder:REGION:OWNER:KIND/NAME[/VERSION[/BUILD]]`.
 * Source: Service Authorization Reference, "Resource types defined by Amazon EC2 Image Builder".
 */
export const ARN_KINDS = [
  'component',
  'image',
  'image-recipe',
  'container-recipe',
  'infrastructure-configuration',
  'distribution-configuration',
  'image-pipeline',
  'lifecycle-policy',
  'workflow',
] as const;

export type ArnKind = (typeof ARN_KINDS)[number];

export interface ImageBuilderArn {
  readonly partition: string;
  readonly region: string;
  /** 12 digits, or `aws` for what Amazon (here: Kiln) provides. */
  readonly owner: string;
  readonly kind: ArnKind;
  /** Only of workflows, whose ARNs carry it: `workflow/build/NAME/…`. */
  readonly workflowType?: 'build' | 'test' | 'distribution';
  /** The normalised name. */
  readonly slug: string;
  /** `1.2.3` or with wildcards `1.x.x`, as written. */
  readonly version?: string;
  readonly build?: number;
}

const PATTERN =
  /^arn:(aws[^:]*):imagebuilder:([^:]+):([0-9]{12}|aws(?:-[a-z-]+)?|third-party):([a-z-]+)\/(?:(build|test|distribution)\/)?([a-z0-9-_]+)(?:\/((?:[0-9]+|x)\.(?:[0-9]+|x)\.(?:[0-9]+|x))(?:\/([0-9]+))?)?$/;

/** The parts of an ARN, or undefined when it is not an Image Builder ARN. */
export function parseArn(text: string): ImageBuilderArn | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [, partition, region, owner, kind, workflowType, slug, version, build] = match;
  if (partition === undefined || region === undefined || owner === undefined || slug === undefined) return undefined;
  if (!ARN_KINDS.includes(kind as ArnKind)) return undefined;
  if ((kind === 'workflow') !== (workflowType !== undefined)) return undefined;
  return {
    partition,
    region,
    owner,
    kind: kind as ArnKind,
    slug,
    ...(workflowType === undefined ? {} : { workflowType: workflowType as 'build' | 'test' | 'distribution' }),
    ...(version === undefined ? {} : { version }),
    ...(build === undefined ? {} : { build: Number(build) }),
  };
}

export function formatArn(arn: ImageBuilderArn): string {
  const type = arn.workflowType === undefined ? '' : `${arn.workflowType}/`;
  const version = arn.version === undefined ? '' : `/${arn.version}`;
  const build = arn.build === undefined ? '' : `/${arn.build}`;
  return `arn:${arn.partition}:imagebuilder:${arn.region}:${arn.owner}:${arn.kind}/${type}${arn.slug}${version}${build}`;
}

/** The name as it stands in ARNs: lower case, spaces and underscores become hyphens (docs/decisions/015). */
export function slugOf(name: string): string {
  return name.toLowerCase().replace(/[ _]/g, '-');
}
