/** Pages over definitions, for every family alike. */
import { type Selectable, sql } from 'kysely';
import type { ResourceKind, ResourcesTable } from '../state/tables.ts';
import type { Cursor } from './lists.ts';
import type { Service } from './service.ts';

/** A definition in a list: without the text of component documents, which lists never show. */
export type ListedDefinition = Omit<Selectable<ResourcesTable>, 'seq'> & { readonly seq: string };

export const COLUMNS = [
  'seq',
  'arn',
  'kind',
  'account_id',
  'region',
  'name',
  'slug',
  'major',
  'minor',
  'patch',
  'build',
  'version',
  'tags',
  'policy',
  'shared_with',
  'created_at',
  'updated_at',
] as const;

/** Of the rows that can be wanted; undefined when all can. */
type Slugs = readonly string[] | undefined;

function definitions(service: Service, kind: ResourceKind, slugs?: Slugs) {
  const all = service.db
    .selectFrom('resources')
    .select(COLUMNS)
    .select(sql<Record<string, unknown>>`document - 'data'`.as('document'))
    .where('kind', '=', kind)
    .where('account_id', '=', service.accountId)
    .where('region', '=', service.region);
  // The slugs of workflows carry their type too.
  return slugs === undefined || kind === 'workflow' ? all : all.where('slug', 'in', slugs);
}

/** In order of creation. */
export function bySeq(service: Service, kind: ResourceKind) {
  return {
    read: (after: Cursor | undefined, limit: number, slugs?: Slugs): Promise<ListedDefinition[]> =>
      definitions(service, kind, slugs)
        .where('seq', '>', String(after?.[0] ?? 0))
        .orderBy('seq')
        .limit(limit)
        .execute(),
    cursor: (row: ListedDefinition): Cursor => [row.seq],
  };
}

/** The builds of the versions that begin with these nodes (three of them: of one version), in order of creation. */
export function buildsOf(service: Service, kind: ResourceKind, version: { slug: string; nodes: readonly number[] }) {
  const [major, minor, patch] = version.nodes;
  const nodes = {
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    ...(patch === undefined ? {} : { patch }),
  };
  return {
    read: (after: Cursor | undefined, limit: number): Promise<ListedDefinition[]> =>
      definitions(service, kind)
        .where((row) => row.and({ slug: version.slug, ...nodes }))
        .where('seq', '>', String(after?.[0] ?? 0))
        .orderBy('seq')
        .limit(limit)
        .execute(),
    cursor: (row: ListedDefinition): Cursor => [row.seq],
  };
}

/** One row per version, its newest build; in order of names and versions. */
export function byVersionNumber(service: Service, kind: ResourceKind) {
  return {
    read: (after: Cursor | undefined, limit: number, slugs?: Slugs): Promise<ListedDefinition[]> => {
      const [slug = '', major = -1, minor = -1, patch = -1] = after ?? [];
      return definitions(service, kind, slugs)
        .distinctOn(['slug', 'major', 'minor', 'patch'])
        .where(sql<boolean>`(slug, major, minor, patch) > (${slug}, ${major}::int, ${minor}::int, ${patch}::int)`)
        .orderBy('slug')
        .orderBy('major')
        .orderBy('minor')
        .orderBy('patch')
        .orderBy('build', 'desc')
        .limit(limit)
        .execute();
    },
    cursor: (row: ListedDefinition): Cursor => [row.slug, row.major ?? 0, row.minor ?? 0, row.patch ?? 0],
  };
}

/** One row per name, the newest build of its highest version; in order of names. */
export function byNameOnly(service: Service, kind: ResourceKind) {
  return {
    read: (after: Cursor | undefined, limit: number, slugs?: Slugs): Promise<ListedDefinition[]> =>
      definitions(service, kind, slugs)
        .distinctOn('slug')
        .where('slug', '>', String(after?.[0] ?? ''))
        .orderBy('slug')
        .orderBy('major', 'desc')
        .orderBy('minor', 'desc')
        .orderBy('patch', 'desc')
        .orderBy('build', 'desc')
        .limit(limit)
        .execute(),
    cursor: (row: ListedDefinition): Cursor => [row.slug],
  };
}

/** Members of a definition as its Get answers them, only those that a summary has. Absent ones stay absent. */
export function summaryOf(row: ListedDefinition, members: readonly string[]): Record<string, unknown> {
  const { document } = row;
  return Object.fromEntries(members.flatMap((name) => (name in document ? [[name, document[name]]] : [])));
}
