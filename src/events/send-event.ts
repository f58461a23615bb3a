import type { Kysely } from 'kysely';
import { findTopic, publishMessage } from '../state/outbox/publish-message.ts';
import type { DueDelivery } from '../state/outbox/take-deliveries.ts';
import type { Database } from '../state/tables.ts';
import type { Clock } from '../util/clock.ts';
import { findRuleTarget, type RuleRoute } from './rules.ts';
import { appendLine } from './targets/append-line.ts';
import type { RunCommand } from './targets/command.ts';
import type { PostWebhook } from './targets/webhook.ts';
import { Undeliverable } from './undeliverable.ts';

export interface EventSenders {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  readonly postWebhook: PostWebhook;
  readonly runCommand: RunCommand;
  /** Starts an execution, at most once per token. Throws Undeliverable when the pipeline refuses it. */
  readonly startPipeline: (request: {
    readonly imagePipelineArn: string;
    readonly token: string;
    readonly rule: string;
  }) => Promise<void>;
}

/** Brings an event to a rule's target: EventBridge's envelope as JSON, the same for all kinds. */
export async function sendEvent(
  senders: EventSenders,
  route: RuleRoute,
  { id, item }: DueDelivery,
  signal: AbortSignal,
): Promise<void> {
  const { db, clock } = senders;
  const target = await findRuleTarget(db, route);
  if (target === undefined) return;
  const body = JSON.stringify(item.body);
  const { rule } = route;
  switch (target.kind) {
    case 'webhook': {
      const headers = { 'content-type': 'application/json', 'x-kiln-event-id': item.uid, 'x-kiln-rule': rule };
      return senders.postWebhook({ url: target.url, headers, body }, signal);
    }
    case 'command': {
      const environment = { KILN_EVENT_ID: item.uid, KILN_RULE: rule };
      return senders.runCommand({ command: target.command, input: body, environment }, signal);
    }
    case 'file':
      return appendLine(target.path, body);
    case 'pipeline': {
      // Deliveries have ids of their own, so that a dead letter that is tried again later counts as the same one.
      const token = `event-${id}-${item.uid}`.slice(0, 64);
      return senders.startPipeline({ imagePipelineArn: target.imagePipelineArn, token, rule });
    }
    case 'topic': {
      const topic = await findTopic(db, target.topicArn);
      if (topic === undefined) throw new Undeliverable(`There is no topic '${target.topicArn}'.`);
      return publishMessage(db, { topicArn: topic.arn, about: item.about, message: body, at: clock.now() });
    }
  }
}
