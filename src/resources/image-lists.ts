/** Pages over images, own ones and those of the catalogue. */
import { sql } from 'kysely';
import type { ImageRow } from '../state/find-resource.ts';
import { withQueuePosition } from '../state/queue-position.ts';
import { describedManagedImage, summaryMembers } from './images.ts';
import type { Cursor } from './lists.ts';
import { MANAGED_BUILD } from './parent-images.ts';
import type { ParentImage, Service } from './service.ts';
import { sharedImageVersions } from './shared-lists.ts';

/** What filters and lists of images need, whoever provides the image. */
export interface ListedImage {
  readonly key: Cursor;
  readonly name: string;
  readonly version: string;
  readonly build: number;
  readonly platform: string;
  readonly osVersion: string | undefined;
  readonly summary: ReturnType<typeof ownSummary> | ReturnType<typeof managedSummary>;
}

export interface ImageSource {
  readonly read: (
    after: Cursor | undefined,
    limit: number,
    slugs?: readonly string[] | undefined,
  ) => Promise<ListedImage[]>;
}

function own(service: Service, slugs: readonly string[] | undefined) {
  const all = service.db
    .selectFrom('images')
    .selectAll()
    .where('account_id', '=', service.accountId)
    .where('region', '=', service.region);
  return slugs === undefined ? all : all.where('slug', 'in', slugs);
}

/** In order of creation. */
export function builds(
  service: Service,
  where: Partial<Pick<ImageRow, 'slug' | 'major' | 'minor' | 'patch' | 'source_pipeline_arn'>>,
): ImageSource {
  return {
    read: async (after, limit, slugs) => {
      const rows = await own(service, slugs)
        .where((row) => row.and(where))
        .where('seq', '>', String(after?.[0] ?? 0))
        .orderBy('seq')
        .limit(limit)
        .execute();
      return (await withQueuePosition(service.db, rows)).map((row) => listed(row, [row.seq]));
    },
  };
}

/** In order of names and versions; with `byName` only the highest version of each name. */
export function versions(service: Service, byName: boolean): ImageSource {
  return {
    read: async (after, limit, slugs) => {
      const [slug = '', major = -1, minor = -1, patch = -1] = after ?? [];
      const direction = byName ? 'desc' : 'asc';
      const rows = await own(service, slugs)
        .distinctOn(byName ? ['slug'] : ['slug', 'major', 'minor', 'patch'])
        .where(
          byName
            ? sql<boolean>`slug > ${slug}`
            : sql<boolean>`(slug, major, minor, patch) > (${slug}, ${major}::int, ${minor}::int, ${patch}::int)`,
        )
        .orderBy('slug')
        .orderBy('major', direction)
        .orderBy('minor', direction)
        .orderBy('patch', direction)
        .orderBy('build', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => listed(row, [row.slug, row.major, row.minor, row.patch]));
    },
  };
}

/** What other accounts share, in order of ARNs. */
export function sharedWithMe(service: Service, byName: boolean): ImageSource {
  const { read, cursor } = sharedImageVersions(service, byName);
  return { read: async (after, limit) => (await read(after, limit)).map((row) => listed(row, cursor(row))) };
}

/** The catalogue, in order of names. */
export function managed(service: Service, images = service.parentImages.listManaged()): ImageSource {
  const sorted = images.map((image) => listedManaged(service, image)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    read: async (after, limit) =>
      sorted.filter((image) => after === undefined || image.name > String(after[0])).slice(0, limit),
  };
}

function listed(row: ImageRow, key: Cursor): ListedImage {
  return {
    key,
    name: row.name,
    version: row.version,
    build: row.build,
    platform: row.platform,
    osVersion: row.os_version ?? undefined,
    summary: ownSummary(row),
  };
}

function ownSummary(row: ImageRow) {
  return { ...summaryMembers(row), owner: row.account_id };
}

function listedManaged(service: Service, image: ParentImage): ListedImage {
  return {
    key: [image.name],
    name: image.name,
    version: image.version,
    build: MANAGED_BUILD,
    platform: image.platform,
    osVersion: image.osVersion,
    summary: managedSummary(service, image),
  };
}

function managedSummary(service: Service, image: ParentImage) {
  return { ...describedManagedImage(service, image), owner: 'Amazon' };
}
