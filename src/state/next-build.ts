import type { Kysely } from 'kysely';
import type { VersionNodes } from '../contract/version.ts';
import type { BuildNumbersTable, Database } from './tables.ts';

export interface BuildOf {
  readonly kind: BuildNumbersTable['kind'];
  readonly accountId: string;
  readonly region: string;
  readonly slug: string;
  readonly nodes: VersionNodes;
}

/**
 * Takes the next build number of a version, 1 for the first. Call it in the transaction that inserts the row: until that
 * ends, others who want a number of the same version wait; when it rolls back, the number is free again. A number that
 * was committed is never given again, even when its build was deleted.
 */
export async function nextBuild(trx: Kysely<Database>, { kind, accountId, region, slug, nodes }: BuildOf) {
  const [major, minor, patch] = nodes;
  const row = await trx
    .insertInto('build_numbers')
    .values({ kind, account_id: accountId, region, slug, major, minor, patch, last_build: 1 })
    .onConflict((conflict) =>
      conflict
        .columns(['kind', 'account_id', 'region', 'slug', 'major', 'minor', 'patch'])
        .doUpdateSet((eb) => ({ last_build: eb('build_numbers.last_build', '+', 1) })),
    )
    .returning('last_build')
    .executeTakeFirstOrThrow();
  return row.last_build;
}
