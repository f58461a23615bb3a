import type { Kysely } from 'kysely';
import type { RunCommand } from '../events/targets/command.ts';
import type { PostWebhook } from '../events/targets/webhook.ts';
import { Undeliverable } from '../events/undeliverable.ts';
import type { DueDelivery } from '../state/outbox/take-deliveries.ts';
import type { Database } from '../state/tables.ts';
import { envelopeOf, type Message, type MessageSigner } from './envelope.ts';
import type { SendMail } from './mail.ts';
import { findSubscription } from './topics.ts';

export interface MessageSenders {
  readonly db: Kysely<Database>;
  readonly postWebhook: PostWebhook;
  readonly runCommand: RunCommand;
  /** Undefined where no mail server is configured. */
  readonly sendMail: SendMail | undefined;
  readonly signer: () => Promise<MessageSigner>;
}

/** Brings a message to a subscription. */
export async function sendMessage(
  senders: MessageSenders,
  subscriptionArn: string,
  { item }: DueDelivery,
  signal: AbortSignal,
): Promise<void> {
  const endpoint = await findSubscription(senders.db, subscriptionArn);
  if (endpoint === undefined || item.topic_arn === null) return;
  const message = readMessage(item.uid, item.topic_arn, item.body, item.created_at);
  const signed = async (): Promise<string> => JSON.stringify(envelopeOf(message, await senders.signer()));
  switch (endpoint.protocol) {
    case 'https': {
      const headers = {
        'content-type': 'text/plain; charset=UTF-8',
        'x-amz-sns-message-type': 'Notification',
        'x-amz-sns-message-id': message.messageId,
        'x-amz-sns-topic-arn': message.topicArn,
        'x-amz-sns-subscription-arn': subscriptionArn,
      };
      return senders.postWebhook({ url: endpoint.url, headers, body: await signed() }, signal);
    }
    case 'command': {
      const environment = { KILN_MESSAGE_ID: message.messageId, KILN_TOPIC_ARN: message.topicArn };
      const input = await signed();
      return senders.runCommand({ command: endpoint.command, input, environment }, signal);
    }
    case 'email': {
      if (senders.sendMail === undefined) {
        throw new Undeliverable("No mail server is configured: 'smtp' in config.yaml names one.");
      }
      return senders.sendMail({ to: endpoint.address, message }, signal);
    }
  }
}

function readMessage(
  messageId: string,
  topicArn: string,
  body: Readonly<Record<string, unknown>>,
  publishedAt: Date,
): Message {
  const { subject, message } = body;
  return {
    messageId,
    topicArn,
    subject: typeof subject === 'string' ? subject : undefined,
    message: String(message),
    publishedAt,
  };
}
