/** Deleting: refused while something that stays would no longer find what it names. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { parseArn } from '../contract/arn.ts';
import { invalidParameter } from '../contract/errors.ts';
import { hasWildcard } from '../contract/version.ts';
import { accountOf } from '../iam/sharing.ts';
import { dependents, resolveImage, resolveResource } from '../state/find-resource.ts';
import type { Database, ResourceKind } from '../state/tables.ts';
import { lockDefinition } from './definitions.ts';
import { dependencyError } from './refusals.ts';
import { refuseIfShared } from './resource-policies.ts';
import type { Service } from './service.ts';

/** Deletes the definition that `arn` names exactly; `parameter` is the member that named it. */
export async function deleteDefinition(
  service: Service,
  kind: ResourceKind,
  arn: string,
  parameter: string,
): Promise<void> {
  const version = parseArn(arn)?.version;
  if (version !== undefined && hasWildcard(version)) {
    throw invalidParameter(parameter, 'A delete needs the exact version, without wildcards.');
  }
  await service.db.transaction().execute(async (trx) => {
    await deleteOneAtATime(trx, arn);
    refuseIfShared(await lockDefinition(trx, kind, arn, parameter));
    await trx.deleteFrom('resources').where('arn', '=', arn).execute();
    await refuseIfNeeded(trx, arn, { wasSelectable: true });
  });
}

/**
 * Deletes of versions of one name take turns; otherwise two of them could each rely on the other's version to satisfy a
 * wildcard reference.
 */
export async function deleteOneAtATime(trx: Transaction<Database>, arn: string): Promise<void> {
  const name = arn.split('/').slice(0, 2).join('/');
  await sql`select pg_advisory_xact_lock(hashtextextended(${`delete ${name}`}, 0))`.execute(trx);
}

/**
 * Called after `arn` was deleted, in the same transaction: throws ResourceDependencyException when a reference to it no
 * longer resolves. A wildcard reference that another version still satisfies does not stand in the way, nor does one
 * that could not have meant `arn` anyway (`wasSelectable: false`, a failed image). Other accounts do not hold what is
 * not shared with them any more.
 */
export async function refuseIfNeeded(
  trx: Transaction<Database>,
  arn: string,
  { wasSelectable }: { readonly wasSelectable: boolean },
): Promise<void> {
  const dependants = new Set<string>();
  for (const { fromArn, toArn } of await dependents(trx, arn)) {
    if (accountOf(fromArn) !== accountOf(arn)) continue;
    const mayMeanIt = wasSelectable || toArn === arn;
    if (mayMeanIt && !(await resolves(trx, toArn))) dependants.add(fromArn);
  }
  if (dependants.size > 0) throw dependencyError(arn, `It is needed by ${[...dependants].join(', ')}.`);
}

async function resolves(trx: Kysely<Database>, reference: string): Promise<boolean> {
  if (parseArn(reference)?.kind !== 'image') return (await resolveResource(trx, reference)) !== undefined;
  const image = await resolveImage(trx, reference);
  return image !== undefined && image.status !== 'DELETED';
}
