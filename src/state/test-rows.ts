/** Rows for tests, complete and plain; a test states only what it is about. */
import type { Insertable, Kysely } from 'kysely';
import type { Database, ImagesTable, ResourcesTable } from './tables.ts';

const OWNER = { account_id: '123456789012', region: 'us-east-1' } as const;

export const AT = new Date('2026-11-23T10:00:00.000Z');

type ImageOverrides = Partial<Insertable<ImagesTable>> & { readonly major?: number; readonly build?: number };

/** Inserts an image (`arn:…:image/web/1.0.0/1`, PENDING) and gives its ARN. */
export async function insertImage(db: Kysely<Database>, overrides: ImageOverrides = {}): Promise<string> {
  const { slug = 'web', major = 1, minor = 0, patch = 0, build = 1 } = overrides;
  const version = `${major}.${minor}.${patch}`;
  const arn = `arn:aws:imagebuilder:us-east-1:123456789012:image/${slug}/${version}/${build}`;
  await db
    .insertInto('images')
    .values({
      ...OWNER,
      ...{ arn, name: slug, slug, major, minor, patch, build, version },
      ...{ status: 'PENDING', reason: null, failure_context: null, build_type: 'USER_INITIATED', platform: 'Linux' },
      ...{ os_version: null, image_recipe: '{}', infrastructure_configuration: '{}', distribution_configuration: null },
      image_tests_configuration: JSON.stringify({ imageTestsEnabled: true, timeoutMinutes: 720 }),
      ...{ enhanced_image_metadata_enabled: true, source_pipeline_arn: null, source_pipeline_name: null },
      ...{ logging_configuration: null, output_resources: '{"amis":[]}', tags: '{}', cancel_requested_at: null },
      ...{ worker_id: null, epoch: 0, created_at: AT, started_at: null, ended_at: null },
      ...overrides,
    })
    .execute();
  return overrides.arn ?? arn;
}

/** Inserts a component build (`arn:…:component/nginx/1.0.0/1`) and gives its ARN. */
export async function insertComponent(
  db: Kysely<Database>,
  { slug = 'nginx', version = '1.0.0', build = 1 }: { slug?: string; version?: string; build?: number } = {},
): Promise<string> {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return insertResource(db, {
    ...{ arn: `arn:aws:imagebuilder:us-east-1:123456789012:component/${slug}/${version}/${build}` },
    ...{ kind: 'component', name: slug, slug, major, minor, patch, build, version },
  });
}

export async function insertResource(
  db: Kysely<Database>,
  row: Pick<Insertable<ResourcesTable>, 'arn' | 'kind' | 'slug'> & Partial<Insertable<ResourcesTable>>,
): Promise<string> {
  await db
    .insertInto('resources')
    .values({
      ...OWNER,
      ...{ name: row.slug, major: null, minor: null, patch: null, build: null, version: null },
      ...{ document: '{}', tags: '{}', created_at: AT, updated_at: null },
      ...row,
    })
    .execute();
  return row.arn;
}
