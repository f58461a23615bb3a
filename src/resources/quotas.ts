import { sql, type Transaction } from 'kysely';
import { AwsError } from '../contract/errors.ts';
import { STAGES } from '../state/image-states.ts';
import { AT_ONCE } from '../state/parked.ts';
import type { Database, ResourceKind } from '../state/tables.ts';
import { QUOTAS, type QuotaName, type Quotas, UNLIMITED } from './quota-table.ts';

interface Limited {
  readonly quotas: Quotas;
  readonly accountId: string;
  readonly region: string;
}

/** Throws ServiceQuotaExceededException when `count` is more than the quota allows. */
export function checkQuota({ quotas }: Pick<Limited, 'quotas'>, name: QuotaName, count: number): void {
  const most = quotas[name];
  if (count <= most) return;
  const { code, description } = QUOTAS[name];
  throw new AwsError(
    'ServiceQuotaExceededException',
    'You have exceeded the number of permitted resources or operations for this service. ' +
      `The quota for ${description} is ${most} (${code}, '${name}' in Kiln's configuration).`,
  );
}

const QUOTA_OF_KIND: Readonly<Record<ResourceKind, QuotaName>> = {
  component: 'components',
  'image-recipe': 'imageRecipes',
  'container-recipe': 'containerRecipes',
  'lifecycle-policy': 'lifecyclePolicies',
  workflow: 'workflows',
  'image-pipeline': 'imagePipelines',
  'infrastructure-configuration': 'infrastructureConfigurations',
  'distribution-configuration': 'distributionConfigurations',
};

/** To be called after a definition was inserted, in the same transaction: refuses it when it is one too many. */
export async function checkDefinitionQuota(
  owner: Limited,
  trx: Transaction<Database>,
  kind: ResourceKind,
): Promise<void> {
  const name = QUOTA_OF_KIND[kind];
  if (owner.quotas[name] === UNLIMITED) return;
  await takeTurns(owner, trx, name);
  const { count } = await trx
    .selectFrom('resources')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('kind', '=', kind)
    .where('account_id', '=', owner.accountId)
    .where('region', '=', owner.region)
    .executeTakeFirstOrThrow();
  checkQuota(owner, name, Number(count));
}

/** As {@link checkDefinitionQuota}, for an image whose build has just been asked for. Those that wait for somebody's decision are not at work. */
export async function checkBuildQuota(owner: Limited, trx: Transaction<Database>): Promise<void> {
  await takeTurns(owner, trx, 'concurrentBuilds');
  const { count } = await trx
    .selectFrom('images')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('status', 'in', [...STAGES])
    .where(({ eb, or }) => or([eb('parked_until', 'is', null), eb('parked_until', '=', AT_ONCE)]))
    .where('account_id', '=', owner.accountId)
    .where('region', '=', owner.region)
    .executeTakeFirstOrThrow();
  checkQuota(owner, 'concurrentBuilds', Number(count));
}

/**
 * Transactions that count the same things do so one after the other, until they end: otherwise two that run at once
 * would both take the last place. Whoever has its turn waits for nothing else.
 */
async function takeTurns({ accountId, region }: Limited, trx: Transaction<Database>, name: QuotaName): Promise<void> {
  const key = `kiln quota ${accountId} ${region} ${name}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(trx);
}
