/** Topics and their subscriptions as they are kept. */
import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { AwsError, invalidParameter } from '../contract/errors.ts';
import type { Database } from '../state/tables.ts';
import type { TopicEndpoint } from './topic-endpoint.ts';

export interface TopicPlace {
  readonly accountId: string;
  readonly region: string;
}

export interface Topic {
  readonly arn: string;
  readonly name: string;
  readonly subscriptions: readonly Subscription[];
}

export interface Subscription {
  /** The topic's ARN and a UUID. */
  readonly arn: string;
  readonly endpoint: TopicEndpoint;
}

/** Source: SNS API Reference, CreateTopic. */
const NAME = /^[A-Za-z0-9_-]{1,256}$/;
const MOST_SUBSCRIPTIONS = 100;

export function topicArn(name: string, { accountId, region }: TopicPlace): string {
  return `arn:aws:sns:${region}:${accountId}:${name}`;
}

/** As CreateTopic: a topic that is there already is no error. Gives its ARN. */
export async function createTopic(db: Kysely<Database>, name: string, place: TopicPlace, now: Date): Promise<string> {
  if (!NAME.test(name)) throw invalidParameter('name', `It must match ${NAME.source}.`);
  const arn = topicArn(name, place);
  await db
    .insertInto('topics')
    .values({ arn, account_id: place.accountId, region: place.region, name, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return arn;
}

/** Throws ResourceNotFoundException, and ResourceDependencyException while an infrastructure configuration names it. */
export async function deleteTopic(db: Kysely<Database>, arn: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockTopic(trx, arn);
    const user = await trx
      .selectFrom('resources')
      .select('arn')
      .where('kind', '=', 'infrastructure-configuration')
      .where(sql`document ->> 'snsTopicArn'`, '=', arn)
      .executeTakeFirst();
    if (user !== undefined) {
      throw new AwsError('ResourceDependencyException', `The topic '${arn}' is named by '${user.arn}'.`);
    }
    await forgetRoutes(trx, `subscription/${arn}:`);
    await trx.deleteFrom('topics').where('arn', '=', arn).execute();
  });
}

/** As Subscribe, without a confirmation: whoever may subscribe is the operator. The same endpoint twice is one. */
export async function subscribe(
  db: Kysely<Database>,
  topic: string,
  endpoint: TopicEndpoint,
  now: Date,
): Promise<string> {
  return await db.transaction().execute(async (trx) => {
    await lockTopic(trx, topic);
    const mine = trx.selectFrom('topic_subscriptions').where('topic_arn', '=', topic);
    const { count } = await mine.select(({ fn }) => fn.countAll<string>().as('count')).executeTakeFirstOrThrow();
    const known = await mine
      .select('arn')
      .where('endpoint', '=', sql<Record<string, unknown>>`${JSON.stringify(endpoint)}::jsonb`)
      .executeTakeFirst();
    if (known !== undefined) return known.arn;
    if (Number(count) >= MOST_SUBSCRIPTIONS) {
      throw new AwsError('ServiceQuotaExceededException', `A topic has at most ${MOST_SUBSCRIPTIONS} subscriptions.`);
    }
    const arn = `${topic}:${randomUUID()}`;
    const row = { arn, topic_arn: topic, endpoint: JSON.stringify(endpoint), created_at: now };
    await trx.insertInto('topic_subscriptions').values(row).execute();
    return arn;
  });
}

/** Throws ResourceNotFoundException. What waits for it is forgotten. */
export async function unsubscribe(db: Kysely<Database>, arn: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const deleted = await trx.deleteFrom('topic_subscriptions').where('arn', '=', arn).executeTakeFirstOrThrow();
    if (deleted.numDeletedRows === 0n) {
      throw new AwsError('ResourceNotFoundException', `There is no subscription '${arn}'.`);
    }
    await forgetRoutes(trx, `subscription/${arn}`);
  });
}

/** In order of their names. */
export async function listTopics(db: Kysely<Database>): Promise<readonly Topic[]> {
  const topics = await db.selectFrom('topics').selectAll().orderBy('name').orderBy('arn').execute();
  const rows = await db.selectFrom('topic_subscriptions').selectAll().orderBy('seq').execute();
  const byTopic = Map.groupBy(rows, (row) => row.topic_arn);
  return topics.map(({ arn, name }) => ({
    arn,
    name,
    subscriptions: (byTopic.get(arn) ?? []).map((row) => ({
      arn: row.arn,
      endpoint: row.endpoint as unknown as TopicEndpoint,
    })),
  }));
}

export async function findSubscription(db: Kysely<Database>, arn: string): Promise<TopicEndpoint | undefined> {
  const row = await db.selectFrom('topic_subscriptions').select('endpoint').where('arn', '=', arn).executeTakeFirst();
  return row === undefined ? undefined : (row.endpoint as unknown as TopicEndpoint);
}

async function lockTopic(trx: Kysely<Database>, arn: string): Promise<void> {
  const topic = await trx.selectFrom('topics').select('arn').where('arn', '=', arn).forUpdate().executeTakeFirst();
  if (topic === undefined) throw new AwsError('ResourceNotFoundException', `There is no topic '${arn}'.`);
}

async function forgetRoutes(trx: Kysely<Database>, prefix: string): Promise<void> {
  for (const table of ['deliveries', 'delivery_routes'] as const) {
    await trx.deleteFrom(table).where('route', '^@', prefix).execute();
  }
}
