import type { Kysely } from 'kysely';
import type { OutboxRow } from '../state/outbox/dispatch.ts';
import type { Database } from '../state/tables.ts';

const PREFIX = 'subscription/';

/** Which subscriptions get a message, by the topics as they are now. */
export async function readSubscriptionRoutes(
  db: Kysely<Database>,
  rows: readonly OutboxRow[],
): Promise<(row: OutboxRow) => readonly string[]> {
  const topics = [...new Set(rows.flatMap(({ topic_arn }) => topic_arn ?? []))];
  if (topics.length === 0) return () => [];
  const subscriptions = await db
    .selectFrom('topic_subscriptions')
    .select(['arn', 'topic_arn'])
    .where('topic_arn', 'in', topics)
    .orderBy('seq')
    .execute();
  const byTopic = Map.groupBy(subscriptions, (subscription) => subscription.topic_arn);
  return ({ topic_arn }) => (byTopic.get(topic_arn ?? '') ?? []).map(({ arn }) => `${PREFIX}${arn}`);
}

/** The ARN of the subscription that a route leads to; undefined for other routes. */
export function parseSubscriptionRoute(route: string): string | undefined {
  return route.startsWith(PREFIX) ? route.slice(PREFIX.length) : undefined;
}
