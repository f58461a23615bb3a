/** How ARNs become rows: exactly, or by a version whose nodes or build are left open. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { formatArn, type ImageBuilderArn, parseArn } from '../contract/arn.ts';
import { AwsError } from '../contract/errors.ts';
import { fixedNodes, isSelectable, MAX_NODE } from '../contract/version.ts';
import { STAGES } from './image-states.ts';
import type { Database, ImagesTable, ResourceKind, ResourcesTable } from './tables.ts';

export type ResourceRow = Selectable<ResourcesTable>;
export type ImageRow = Selectable<ImagesTable>;

/** The resource with exactly this ARN. */
export function findResource(db: Kysely<Database>, arn: string): Promise<ResourceRow | undefined> {
  return db.selectFrom('resources').selectAll().where('arn', '=', arn).executeTakeFirst();
}

/** The image build version with exactly this ARN, whatever its status. */
export function findImage(db: Kysely<Database>, arn: string): Promise<ImageRow | undefined> {
  return db.selectFrom('images').selectAll().where('arn', '=', arn).executeTakeFirst();
}

/**
 * The resource that an ARN means: a complete ARN means itself; a version without build its newest build; a version with
 * wildcards (`1.x.x`, `x.x.x`) the highest version that matches, nodes compared as numbers, and of that the newest build.
 * Undefined when nothing matches. Throws InvalidVersionNumberException for `x.2.x` and its like, and for nodes that are
 * too large.
 */
export async function resolveResource(db: Kysely<Database>, arn: string): Promise<ResourceRow | undefined> {
  const open = parseOpenVersion(arn);
  if (open === undefined || open.kind === 'image') return findResource(db, arn);
  let query = db
    .selectFrom('resources')
    .selectAll()
    .where('kind', '=', open.kind as ResourceKind)
    .where('account_id', '=', open.owner)
    .where('region', '=', open.region)
    .where('slug', '=', slugColumn(open));
  for (const [node, value] of versionColumns(open.version)) query = query.where(node, '=', value);
  const row = await query
    .orderBy('major', 'desc')
    .orderBy('minor', 'desc')
    .orderBy('patch', 'desc')
    .orderBy('build', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined && parseArn(row.arn)?.partition === open.partition ? row : undefined;
}

/**
 * The image that an ARN means: a build version ARN means that build in any status; everything else the newest AVAILABLE
 * build of the highest version that has one. Source: API Reference, GetImage. Errors as {@link resolveResource}.
 */
export async function resolveImage(db: Kysely<Database>, arn: string): Promise<ImageRow | undefined> {
  const open = parseOpenVersion(arn);
  if (open === undefined) return findImage(db, arn);
  if (open.kind !== 'image') return undefined;
  let query = db
    .selectFrom('images')
    .selectAll()
    .where('account_id', '=', open.owner)
    .where('region', '=', open.region)
    .where('slug', '=', open.slug)
    .where('status', '=', 'AVAILABLE');
  for (const [node, value] of versionColumns(open.version)) query = query.where(node, '=', value);
  const row = await query
    .orderBy('major', 'desc')
    .orderBy('minor', 'desc')
    .orderBy('patch', 'desc')
    .orderBy('build', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined && parseArn(row.arn)?.partition === open.partition ? row : undefined;
}

export interface Dependent {
  /** The resource that refers. */
  readonly fromArn: string;
  /** How it refers, as its author wrote it. */
  readonly toArn: string;
}

/**
 * Who needs this resource, in one query: definitions that refer to it by its ARN, by its version without build, or by a
 * wildcard that its version matches (also when another version matches that wildcard today), and images whose build has
 * not ended, because it looks up its components, its parent and its workflows when it starts. In order of creation.
 */
export async function dependents(db: Kysely<Database>, arn: string): Promise<readonly Dependent[]> {
  const ways = sql.join(waysToRefer(arn));
  const { rows } = await sql<{ from_arn: string; to_arn: string }>`
    select from_arn, to_arn from (
      select 1 as place, resources.seq, reference.from_arn, reference.to_arn
        from resource_references reference
        join resources on resources.arn = reference.from_arn
        where reference.to_arn in (${ways})
      union all
      select 2 as place, images.seq, images.arn, need.to_arn
        from images
        cross join lateral (
          select component ->> 'componentArn' as to_arn from jsonb_array_elements(image_recipe -> 'components') component
          union
          select image_recipe ->> 'parentImage'
          union
          select workflow ->> 'workflowArn' from jsonb_array_elements(workflows) workflow
        ) need
        where images.status in (${sql.join(STAGES)}) and need.to_arn in (${ways})
    ) dependent
    order by place, seq, to_arn`.execute(db);
  return rows.map((row) => ({ fromArn: row.from_arn, toArn: row.to_arn }));
}

type OpenVersion = ImageBuilderArn & { readonly version: string };

/** The parts of an ARN that leaves its build or nodes open; undefined when it names one row. */
export function parseOpenVersion(arn: string): OpenVersion | undefined {
  const parts = parseArn(arn);
  if (parts?.version === undefined || parts.build !== undefined) return undefined;
  if (!isSelectable(parts.version)) {
    throw new AwsError(
      'InvalidVersionNumberException',
      `The version '${parts.version}' in '${arn}' is not valid: every node to the right of an x must be x too.`,
    );
  }
  if (fixedNodes(parts.version).some((node) => node > MAX_NODE)) {
    throw new AwsError(
      'InvalidVersionNumberException',
      `The version '${parts.version}' in '${arn}' is not valid: each node is a number from 0 to ${MAX_NODE}.`,
    );
  }
  return { ...parts, version: parts.version };
}

/** How the column `slug` has the name of an ARN: that of workflows carries their type. */
export function slugColumn(arn: ImageBuilderArn): string {
  return arn.workflowType === undefined ? arn.slug : `${arn.workflowType}/${arn.slug}`;
}

/** The columns that a version fixes, with their values. */
export function versionColumns(version: string): readonly (readonly ['major' | 'minor' | 'patch', number])[] {
  const columns = ['major', 'minor', 'patch'] as const;
  return fixedNodes(version).flatMap((value, index) => {
    const column = columns[index];
    return column === undefined ? [] : [[column, value] as const];
  });
}

function waysToRefer(arn: string): readonly string[] {
  const parts = parseArn(arn);
  if (parts?.version === undefined) return [arn];
  const [major, minor] = parts.version.split('.');
  const { build: _, ...withoutBuild } = parts;
  const versions = [parts.version, `${major}.${minor}.x`, `${major}.x.x`, 'x.x.x'];
  return [...new Set([arn, ...versions.map((version) => formatArn({ ...withoutBuild, version }))])];
}
