import { sql, type Transaction } from 'kysely';
import { hasWildcard } from '../contract/version.ts';
import type { Database } from '../state/tables.ts';
import { ownArn } from './definitions.ts';
import { invalidVersion } from './refusals.ts';
import type { RequestProblems } from './request-problems.ts';
import type { Service } from './service.ts';
import { versionNodes } from './versions.ts';

const ONE_X = 'A new version may have one x, which becomes the next free number.';

/** Reports a version that no recipe can have. */
export function checkRecipeVersion(
  { semanticVersion: version }: { readonly semanticVersion?: string | undefined },
  problems: RequestProblems,
): void {
  if (version === undefined) return;
  if (version.indexOf('x') === version.lastIndexOf('x')) {
    problems.attempt(() => versionNodes('semanticVersion', version.replace('x', '0')));
  } else problems.add(invalidVersion('semanticVersion', ONE_X));
}

/**
 * The version that `version`, which was checked, means for a new recipe. One `x` stands for one more than the highest
 * node that is there: `1.0.x` counts patches of 1.0, `1.x.0` minor versions of 1 whatever their patch, and the first is
 * 0 (docs/decisions/031-version-of-a-new-recipe.md). Creations of one name take turns until their transactions end.
 */
export async function concreteVersion(
  service: Service,
  trx: Transaction<Database>,
  kind: 'image-recipe' | 'container-recipe',
  { name, semanticVersion: version }: { readonly name: string; readonly semanticVersion: string },
): Promise<string> {
  if (!hasWildcard(version)) return version;
  const nodes = version.split('.');
  const open = nodes.indexOf('x');
  const column = (['major', 'minor', 'patch'] as const)[open];
  if (column === undefined) throw invalidVersion('semanticVersion', ONE_X);
  const { slug } = ownArn(service, kind, name);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`version of ${kind} ${slug}`}, 0))`.execute(trx);
  let query = trx
    .selectFrom('resources')
    .select((row) => row.fn.max(column).as('highest'))
    .where('kind', '=', kind)
    .where('account_id', '=', service.accountId)
    .where('region', '=', service.region)
    .where('slug', '=', slug);
  if (open > 0) query = query.where('major', '=', Number(nodes[0]));
  if (open > 1) query = query.where('minor', '=', Number(nodes[1]));
  const { highest } = await query.executeTakeFirstOrThrow();
  const concrete = nodes.with(open, String(highest === null ? 0 : highest + 1)).join('.');
  versionNodes('semanticVersion', concrete);
  return concrete;
}
