/** What all definitions (components, recipes, configurations, pipelines) have in common: how they are kept. */
import type { Kysely, Transaction } from 'kysely';
import { type ArnKind, formatArn, type ImageBuilderArn, parseArn, slugOf } from '../contract/arn.ts';
import { invalidParameter, notFound } from '../contract/errors.ts';
import { parseVersion } from '../contract/version.ts';
import { type ResourceRow, resolveResource, slugColumn } from '../state/find-resource.ts';
import type { Database, ResourceKind } from '../state/tables.ts';
import { checkDefinitionQuota } from './quotas.ts';
import { alreadyExists, TYPE_NAMES } from './refusals.ts';
import type { Service } from './service.ts';

export type Definition = ResourceRow;

/** The ARN of something of this account and Region. */
export function ownArn(
  service: Service,
  kind: ArnKind,
  name: string,
  version?: string,
  build?: number,
): ImageBuilderArn {
  return {
    partition: 'aws',
    region: service.region,
    owner: service.accountId,
    kind,
    slug: slugOf(name),
    ...(version === undefined ? {} : { version }),
    ...(build === undefined ? {} : { build }),
  };
}

export interface NewDefinition {
  readonly arn: ImageBuilderArn & { readonly kind: ResourceKind };
  readonly name: string;
  /** As Get answers it, without `arn` and `tags`. */
  readonly document: object;
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** ARNs of what it depends on, as written by the caller. */
  readonly references?: readonly string[];
}

/**
 * Throws ResourceAlreadyExistsException, in AWS's words, when the ARN is taken, and ServiceQuotaExceededException when
 * the account has enough of its kind.
 */
export async function insertDefinition(
  service: Service,
  trx: Transaction<Database>,
  definition: NewDefinition,
): Promise<string> {
  const arn = formatArn(definition.arn);
  const version = definition.arn.version;
  const nodes = version === undefined ? undefined : parseVersion(version);
  const inserted = await trx
    .insertInto('resources')
    .values({
      arn,
      kind: definition.arn.kind,
      account_id: service.accountId,
      region: service.region,
      name: definition.name,
      slug: slugColumn(definition.arn),
      major: nodes?.[0] ?? null,
      minor: nodes?.[1] ?? null,
      patch: nodes?.[2] ?? null,
      build: definition.arn.build ?? null,
      version: version ?? null,
      document: JSON.stringify(definition.document),
      tags: JSON.stringify(definition.tags ?? {}),
      created_at: service.clock.now(),
      updated_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('arn')
    .executeTakeFirst();
  if (inserted === undefined) throw alreadyExists(definition.arn.kind, arn);
  await insertReferences(trx, arn, definition.references ?? []);
  await checkDefinitionQuota(service, trx, definition.arn.kind);
  return arn;
}

/** Replaces the document and what it depends on; creation date, name and tags stay. */
export async function updateDefinition(
  service: Service,
  trx: Transaction<Database>,
  arn: string,
  document: object,
  references: readonly string[] = [],
): Promise<void> {
  await trx
    .updateTable('resources')
    .set({ document: JSON.stringify(document), updated_at: service.clock.now() })
    .where('arn', '=', arn)
    .execute();
  await replaceReferences(trx, arn, references);
}

async function replaceReferences(
  trx: Transaction<Database>,
  from: string,
  references: readonly string[],
): Promise<void> {
  await trx.deleteFrom('resource_references').where('from_arn', '=', from).execute();
  await insertReferences(trx, from, references);
}

async function insertReferences(
  trx: Transaction<Database>,
  from: string,
  references: readonly string[],
): Promise<void> {
  const unique = [...new Set(references)];
  if (unique.length === 0) return;
  await trx
    .insertInto('resource_references')
    .values(unique.map((to) => ({ from_arn: from, to_arn: to })))
    .execute();
}

/** A definition as Get answers it. */
export function described(definition: Definition): Record<string, unknown> & { arn: string } {
  return { arn: definition.arn, ...definition.document, tags: definition.tags };
}

/**
 * The definition that an ARN means now: wildcards and a missing build mean the newest that matches.
 * Throws ResourceNotFoundException when there is none, `parameter` being the member that named it.
 */
export async function findDefinition(
  db: Kysely<Database>,
  kind: ResourceKind,
  arnText: string,
  parameter: string,
): Promise<Definition> {
  const arn = parseArn(arnText);
  if (arn === undefined || arn.kind !== kind) {
    throw invalidParameter(parameter, `'${arnText}' is not the ARN of a resource of type ${TYPE_NAMES[kind]}.`);
  }
  const found = await resolveResource(db, arnText);
  if (found === undefined) throw notFound(parameter, arnText);
  return found;
}

/**
 * As {@link findDefinition}, and keeps the definition from being deleted until the transaction ends: whoever stores a
 * reference to it must have called this.
 */
export async function findReferenced(
  trx: Transaction<Database>,
  kind: ResourceKind,
  arnText: string,
  parameter: string,
): Promise<Definition> {
  const found = await findDefinition(trx, kind, arnText, parameter);
  const locked = await trx
    .selectFrom('resources')
    .select('arn')
    .where('arn', '=', found.arn)
    .forKeyShare()
    .executeTakeFirst();
  // Deleted between the two statements.
  if (locked === undefined) throw notFound(parameter, arnText);
  return found;
}

/** Locks a definition that is about to be changed or deleted. `arn` names exactly one. */
export async function lockDefinition(
  trx: Transaction<Database>,
  kind: ResourceKind,
  arn: string,
  parameter: string,
): Promise<Definition> {
  const found = await trx
    .selectFrom('resources')
    .selectAll()
    .where('arn', '=', arn)
    .where('kind', '=', kind)
    .forUpdate()
    .executeTakeFirst();
  if (found === undefined) throw notFound(parameter, arn);
  return found;
}
