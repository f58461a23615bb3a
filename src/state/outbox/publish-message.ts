import type { Kysely, Selectable } from 'kysely';
import { storable } from '../storable.ts';
import type { Database, TopicsTable } from '../tables.ts';

export interface NewMessage {
  readonly topicArn: string;
  /** What it is about, an ARN: messages about one thing reach each subscription in order. */
  readonly about: string;
  /** At most 100 characters are sent. */
  readonly subject?: string | undefined;
  readonly message: string;
  readonly at: Date;
}

/** The topic with this ARN; undefined when there is none. */
export function findTopic(db: Kysely<Database>, topicArn: string): Promise<Selectable<TopicsTable> | undefined> {
  return db.selectFrom('topics').selectAll().where('arn', '=', topicArn).executeTakeFirst();
}

/**
 * Publishes a message to a topic, in the caller's transaction: both or neither. Every subscription that the topic has
 * when the message is dispatched gets it, at least once. A topic that is gone by then has none.
 */
export async function publishMessage(trx: Kysely<Database>, message: NewMessage): Promise<void> {
  await trx
    .insertInto('outbox')
    .values({
      kind: 'message',
      about: message.about,
      topic_arn: message.topicArn,
      body: JSON.stringify({
        subject: message.subject === undefined ? undefined : storable(message.subject),
        message: storable(message.message),
      }),
      created_at: message.at,
    })
    .execute();
}
