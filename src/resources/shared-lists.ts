/** Lists for `owner: Shared`: what other accounts share with the caller, in order of ARNs. */
import { sql } from 'kysely';
import { SHARED_ACTIONS, type SharedKind } from '../iam/sharing.ts';
import type { ImageRow } from '../state/find-resource.ts';
import { COLUMNS, type ListedDefinition } from './definition-lists.ts';
import type { Cursor } from './lists.ts';
import type { Service } from './service.ts';
import { mayUse } from './sharing.ts';

type Versioned = Pick<
  ListedDefinition,
  'arn' | 'policy' | 'account_id' | 'slug' | 'major' | 'minor' | 'patch' | 'build'
>;

/** Every definition of a kind that is shared. */
export function sharedDefinitions(service: Service, kind: Exclude<SharedKind, 'image'>) {
  return pages(() => readDefinitions(service, kind));
}

/** One row per version, its newest build that is shared; with `byName` one per name. */
export function sharedVersions(service: Service, kind: Exclude<SharedKind, 'image'>, byName: boolean) {
  return pages(async () => newest(await readDefinitions(service, kind), byName));
}

/** As {@link sharedVersions}, of images. */
export function sharedImageVersions(service: Service, byName: boolean) {
  return pages(async () => newest(await readImages(service), byName));
}

async function readDefinitions(service: Service, kind: Exclude<SharedKind, 'image'>): Promise<ListedDefinition[]> {
  const rows = await service.db
    .selectFrom('resources')
    .select(COLUMNS)
    .select(sql<Record<string, unknown>>`document - 'data'`.as('document'))
    .where('kind', '=', kind)
    .where(sharedWith(service))
    .where('region', '=', service.region)
    .execute();
  return rows.filter((row) => mayUse(service, SHARED_ACTIONS[kind].list, row));
}

async function readImages(service: Service): Promise<ImageRow[]> {
  const rows = await service.db
    .selectFrom('images')
    .selectAll()
    .where(sharedWith(service))
    .where('region', '=', service.region)
    .execute();
  return rows.filter((row) => mayUse(service, SHARED_ACTIONS.image.list, row));
}

function sharedWith({ accountId }: Service) {
  return sql<boolean>`shared_with <> '{}' and shared_with @> array[${accountId}] and account_id <> ${accountId}`;
}

function newest<Row extends Versioned>(rows: readonly Row[], byName: boolean): Row[] {
  const best = new Map<string, Row>();
  for (const row of rows) {
    const key = [row.account_id, row.slug, ...(byName ? [] : [row.major, row.minor, row.patch])].join('/');
    const other = best.get(key);
    if (other === undefined || isNewer(row, other)) best.set(key, row);
  }
  return [...best.values()];
}

function isNewer(a: Versioned, b: Versioned): boolean {
  for (const node of ['major', 'minor', 'patch', 'build'] as const) {
    if (a[node] !== b[node]) return (a[node] ?? 0) > (b[node] ?? 0);
  }
  return false;
}

/** All is read for each page: policies decide row by row, and what is shared is little beside what there is. */
function pages<Row extends { readonly arn: string }>(readAll: () => Promise<readonly Row[]>) {
  return {
    read: async (after: Cursor | undefined, limit: number): Promise<Row[]> => {
      const rows = (await readAll()).toSorted((a, b) => (a.arn < b.arn ? -1 : 1));
      return rows.filter(({ arn }) => after === undefined || arn > String(after[0])).slice(0, limit);
    },
    cursor: (row: Row): Cursor => [row.arn],
  };
}
