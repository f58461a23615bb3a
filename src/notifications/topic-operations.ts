/** The operator's operations on topics. */
import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { AwsError, invalidParameter } from '../contract/errors.ts';
import type { KilnOperations } from '../contract/kiln-operations.ts';
import { textOf } from '../events/event-operations.ts';
import { findTopic, publishMessage } from '../state/outbox/publish-message.ts';
import type { Database } from '../state/tables.ts';
import type { Clock } from '../util/clock.ts';
import { readTopicEndpoint } from './topic-endpoint.ts';
import { createTopic, deleteTopic, listTopics, subscribe, unsubscribe } from './topics.ts';

export interface TopicOperationsOptions {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  readonly region: string;
  /** Of the installation: whose topics they are when nothing else is said. */
  readonly accountId: string;
  /** Has messages sent at once. */
  readonly wake: () => void;
}

/** Source: SNS quotas: 256 KiB. */
const LONGEST_MESSAGE = 256 * 1_024;

export function topicOperations({ db, clock, region, accountId, wake }: TopicOperationsOptions): KilnOperations {
  return {
    CreateTopic: {
      readOnly: false,
      run: async (input) => {
        const { account = accountId } = input;
        if (typeof account !== 'string' || !/^\d{12}$/.test(account)) {
          throw invalidParameter('account', 'It must be 12 digits.');
        }
        const place = { accountId: account, region };
        return { topicArn: await createTopic(db, textOf(input, 'name'), place, clock.now()) };
      },
    },
    DeleteTopic: {
      readOnly: false,
      run: async (input) => {
        const topicArn = textOf(input, 'topicArn');
        await deleteTopic(db, topicArn);
        return { topicArn };
      },
    },
    ListTopics: { readOnly: true, run: async () => ({ topics: await listTopics(db) }) },
    Subscribe: {
      readOnly: false,
      run: async (input) => {
        const endpoint = readTopicEndpoint(input['endpoint']);
        return { subscriptionArn: await subscribe(db, textOf(input, 'topicArn'), endpoint, clock.now()) };
      },
    },
    Unsubscribe: {
      readOnly: false,
      run: async (input) => {
        const subscriptionArn = textOf(input, 'subscriptionArn');
        await unsubscribe(db, subscriptionArn);
        return { subscriptionArn };
      },
    },
    PublishMessage: {
      readOnly: false,
      run: async (input) => {
        const topicArn = textOf(input, 'topicArn');
        const { message, subject } = input;
        if (typeof message !== 'string' || message === '' || message.length > LONGEST_MESSAGE) {
          throw invalidParameter('message', `It must be a text of at most ${LONGEST_MESSAGE} characters.`);
        }
        if (subject !== undefined && (typeof subject !== 'string' || subject.length > 100)) {
          throw invalidParameter('subject', 'It must be a text of at most 100 characters.');
        }
        if ((await findTopic(db, topicArn)) === undefined) {
          throw new AwsError('ResourceNotFoundException', `There is no topic '${topicArn}'.`);
        }
        // About nothing but itself: it waits for no other.
        const about = `message/${randomUUID()}`;
        await publishMessage(db, { topicArn, about, subject, message, at: clock.now() });
        wake();
        return { topicArn };
      },
    },
  };
}
