/**
 * What belongs to other accounts, as far as its resource policies let the caller have it. That the caller's own policies
 * allow it was checked before (iam/authorise.ts).
 */
import type { Kysely, Transaction } from 'kysely';
import { notAllowed } from '../iam/denial.ts';
import { isOfAnotherAccount, isShared, SHARED_ACTIONS, type SharedKind } from '../iam/sharing.ts';
import { findImage, type ImageRow, resolveImage } from '../state/find-resource.ts';
import { findShared, type SharedRow } from '../state/find-shared.ts';
import type { Database } from '../state/tables.ts';
import { type Definition, findDefinition, findReferenced } from './definitions.ts';
import type { Service } from './service.ts';

/** The kinds of {@link Definition} that can be shared. */
type SharedDefinitionKind = Exclude<SharedKind, 'image'>;

/** Whether the policy of another account's resource allows the caller an action. */
export function mayUse(service: Service, action: string, { arn, policy }: SharedRow): boolean {
  if (policy === null) return false;
  const { principalArn, context } = callerOf(service);
  return isShared(policy, { action, resource: arn, principalArn, principalAccount: service.accountId, context });
}

/** What the service does by itself it does for the account, without a request that a condition could ask about. */
function callerOf({ accountId, caller }: Service): NonNullable<Service['caller']> {
  if (caller !== undefined) return caller;
  return { principalArn: `arn:aws:iam::${accountId}:root`, context: new Map([['aws:principalaccount', [accountId]]]) };
}

/**
 * As findDefinition; of another account only what is shared. Throws AccessDeniedException when nothing is, so that
 * nobody learns what other accounts have.
 */
export async function findVisible(
  service: Service,
  db: Kysely<Database>,
  kind: SharedDefinitionKind,
  arn: string,
  parameter: string,
): Promise<Definition> {
  return findDefinition(db, kind, await visibleArn(service, db, kind, arn), parameter);
}

/** As findReferenced, with {@link findVisible}'s rules. */
export async function findVisibleReference(
  service: Service,
  trx: Transaction<Database>,
  kind: SharedDefinitionKind,
  arn: string,
  parameter: string,
): Promise<Definition> {
  return findReferenced(trx, kind, await visibleArn(service, trx, kind, arn), parameter);
}

/** As resolveImage, with {@link findVisible}'s rules. */
export async function findVisibleImage(
  service: Service,
  db: Kysely<Database>,
  arn: string,
): Promise<ImageRow | undefined> {
  if (!isOfAnotherAccount(arn, service.accountId)) return resolveImage(db, arn);
  return findImage(db, await visibleArn(service, db, 'image', arn));
}

/** An own ARN as it is; one of another account as the ARN of the newest build that is shared and that it means. */
export async function visibleArn(
  service: Service,
  db: Kysely<Database>,
  kind: SharedKind,
  arn: string,
): Promise<string> {
  if (!isOfAnotherAccount(arn, service.accountId)) return arn;
  const shared = await sharedArn(service, db, kind, arn);
  if (shared !== undefined) return shared;
  const { principalArn } = callerOf(service);
  throw notAllowed(principalArn, { action: SHARED_ACTIONS[kind].get, resource: arn }, 'resource-based');
}

/** As {@link visibleArn} for an ARN of another account; undefined when nothing of it is shared. */
export function sharedArn(
  service: Service,
  db: Kysely<Database>,
  kind: SharedKind,
  arn: string,
): Promise<string | undefined> {
  const action = SHARED_ACTIONS[kind].get;
  const { accountId } = service;
  return findShared(db, arn, { accountId, accepts: (row) => mayUse(service, action, row) });
}
