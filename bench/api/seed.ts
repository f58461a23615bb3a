import { sql } from 'kysely';
import { componentData, testService, token } from '../../src/resources/test-service.ts';
import { lockHome } from '../../src/state/home-lock.ts';
import { openStore, type Store } from '../../src/state/open-store.ts';
import { silentLog } from '../../src/state/test-log.ts';

export const ACCOUNT_ID = '123456789012';
const REGION = 'us-east-1';
const PARENT_IMAGE = `arn:aws:imagebuilder:${REGION}:aws:image/debian-server-12-x86/x.x.x`;

export interface Seed {
  readonly components: number;
  readonly recipes: number;
  /** In all; as many builds of each recipe. */
  readonly images: number;
}

/** Fills the store of a home that nobody else has open: one of each through the API's operations, the others after it. */
export async function seedHome(home: string, seed: Seed): Promise<void> {
  const found = await lockHome(home);
  if (!found.acquired) throw new Error(`${home} is in use`);
  await using _lock = found.lock;
  await using store = await openStore({ home, log: silentLog, signal: new AbortController().signal });
  const { call } = testService(store);
  const { componentBuildVersionArn = '' } = await call.CreateComponent({
    ...{ name: 'seed-0', semanticVersion: '1.0.0', platform: 'Linux', data: componentData() },
    ...{ description: 'One of many', tags: { team: 'bench' } },
    ...token(),
  });
  const { imageRecipeArn = '' } = await call.CreateImageRecipe({
    ...{ name: 'seed-0', semanticVersion: '1.0.0', parentImage: PARENT_IMAGE },
    components: [{ componentArn: componentBuildVersionArn }],
    ...token(),
  });
  const { infrastructureConfigurationArn = '' } = await call.CreateInfrastructureConfiguration({
    ...{ name: 'here', instanceProfileName: 'profile' },
    ...token(),
  });
  const { imageBuildVersionArn = '' } = await call.CreateImage({
    imageRecipeArn,
    infrastructureConfigurationArn,
    ...token(),
  });
  await sql`update images set status = 'AVAILABLE', os_version = 'Debian GNU/Linux 12', output_resources =
    ${JSON.stringify({ amis: [{ region: REGION, image: 'ami-0123456789abcdef0', name: 'web', accountId: ACCOUNT_ID }] })}
    where arn = ${imageBuildVersionArn}`.execute(store.db);
  await multiply(store, 'resources', componentBuildVersionArn, seed.components, 1);
  await multiply(store, 'resources', imageRecipeArn, seed.recipes, 1);
  await multiply(store, 'images', imageBuildVersionArn, seed.recipes, seed.images / seed.recipes);
  await sql`insert into resource_references
    select arn, document -> 'components' -> 0 ->> 'componentArn' from resources where kind = 'image-recipe'
    on conflict do nothing`.execute(store.db);
  await sql`analyze`.execute(store.db);
}

/** Copies a row with its name changed wherever it stands, `seed-0` to `seed-N`, and as builds 1 to `builds` of each. */
async function multiply(
  { db }: Store,
  table: 'resources' | 'images',
  arn: string,
  names: number,
  builds: number,
): Promise<void> {
  const hasBuild = table === 'images';
  const renamed = sql`replace(to_jsonb(original)::text, 'seed-0', 'seed-' || which)::jsonb`;
  const rebuilt = hasBuild
    ? sql`jsonb_build_object('build', nth, 'arn', replace(${arn.replace(/[0-9]+$/, '')}, 'seed-0', 'seed-' || which) || nth)`
    : sql`'{}'::jsonb`;
  await sql`insert into ${sql.table(table)} overriding system value
    select copy.* from ${sql.table(table)} original
    cross join generate_series(0, ${sql.lit(names - 1)}) which cross join generate_series(1, ${sql.lit(builds)}) nth
    cross join lateral jsonb_populate_record(original, ${renamed} || ${rebuilt} || jsonb_build_object('seq',
      nextval(pg_get_serial_sequence(${sql.lit(table)}, 'seq')))) copy
    where original.arn = ${arn} and (which, nth) <> (0, 1)`.execute(db);
}
