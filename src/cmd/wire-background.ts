/** What a service does by itself: pipelines by their schedules, events and messages to whoever wants them. */
import type { Logger } from 'pino';
import { parseArn } from '../contract/arn.ts';
import { AwsError } from '../contract/errors.ts';
import { createDeliverer, type Deliveries, deliverDue, dispatchAll, purge } from '../events/deliver.ts';
import { readRuleRoutes } from '../events/rule-routes.ts';
import { parseRuleRoute } from '../events/rules.ts';
import { sendEvent } from '../events/send-event.ts';
import { createRunCommand } from '../events/targets/command.ts';
import { createPostWebhook } from '../events/targets/webhook.ts';
import { Undeliverable } from '../events/undeliverable.ts';
import type { MessageSigner } from '../notifications/envelope.ts';
import { createSendMail, type MailServer } from '../notifications/mail.ts';
import { sendMessage } from '../notifications/send-message.ts';
import { parseSubscriptionRoute, readSubscriptionRoutes } from '../notifications/subscription-routes.ts';
import { claimDueSlots, runDueSlots } from '../resources/run-schedules.ts';
import type { Service } from '../resources/service.ts';
import { startPipelineForEvent } from '../resources/start-pipeline.ts';
import { coerceError } from '../util/faults.ts';
import { type Periodic, periodically } from '../util/periodically.ts';

export interface BackgroundOptions {
  readonly service: Service;
  readonly signer: () => Promise<MessageSigner>;
  readonly mailServer: MailServer | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether pipelines run by their schedules. */
  readonly schedules: boolean;
  readonly log: Logger;
}

export interface Background extends AsyncDisposable {
  /** Has deliveries tried now. */
  wake(): void;
}

const CLAIM_MS = 1_000;
const RUN_MS = 1_000;
const DELIVER_MS = 500;
const PURGE_MS = 60 * 60_000;
/** How long the last events may take when the service stops; others bring what is left. */
const LAST_MS = 2_000;

/** Disposing stops all of it: what was begun ends, or is left to another server or the next start. */
export function startBackground({ service, log, schedules, ...options }: BackgroundOptions): Background {
  const deliveries = makeDeliveries(service, log, options);
  const onError = (what: string) => (error: unknown) => log.error({ err: coerceError(error) }, what);
  const deliverer = createDeliverer(deliveries, () => delivering.wake());
  const deliver = async (signal: AbortSignal): Promise<void> => {
    await dispatchAll(deliveries);
    while ((await deliverer.begin(signal)) > 0);
  };
  const ended = async (): Promise<void> => {
    for (let next = deliverer.next(); next !== undefined; next = deliverer.next()) await next;
  };
  const delivering: Periodic = periodically(deliver, {
    intervalMs: DELIVER_MS,
    onError: onError('events not delivered'),
  });
  const purging = periodically(() => purge(deliveries), {
    intervalMs: PURGE_MS,
    onError: onError('events not purged'),
  });
  const scheduling = schedules ? startSchedules(service, log, onError) : [];
  return {
    wake: () => delivering.wake(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([delivering, purging, ...scheduling].map((one) => one.close()));
      await ended();
      // A build that ends with its command is told of before the command ends.
      await dispatchAll(deliveries)
        .then(() => deliverDue(deliveries, AbortSignal.timeout(LAST_MS)))
        .catch(onError('the last events not delivered'));
    },
  };
}

function startSchedules(
  service: Service,
  log: Logger,
  onError: (what: string) => (error: unknown) => void,
): readonly Periodic[] {
  const runs = periodically(async (signal) => void (await runDueSlots(service, log, signal)), {
    intervalMs: RUN_MS,
    onError: onError('scheduled executions not started'),
  });
  const claims = periodically(
    async () => {
      if ((await claimDueSlots(service, log)) > 0) runs.wake();
    },
    { intervalMs: CLAIM_MS, onError: onError('schedules not looked at') },
  );
  return [claims, runs];
}

function makeDeliveries(
  service: Service,
  log: Logger,
  options: Pick<BackgroundOptions, 'signer' | 'mailServer' | 'environment'>,
): Deliveries {
  const { db, clock } = service;
  const postWebhook = createPostWebhook();
  const runCommand = createRunCommand(options.environment);
  const startPipeline = (request: Parameters<typeof startPipelineForEvent>[1]) => startFor(service, request);
  const events = { db, clock, postWebhook, runCommand, startPipeline };
  const sendMail = options.mailServer === undefined ? undefined : createSendMail(options.mailServer);
  const messages = { db, postWebhook, runCommand, sendMail, signer: options.signer };
  return {
    db,
    clock,
    log,
    readRoutes: async (trx, rows) => {
      const [rules, subscriptions] = [await readRuleRoutes(trx), await readSubscriptionRoutes(trx, rows)];
      return (row) => [...rules(row), ...subscriptions(row)];
    },
    send: async (delivery, signal) => {
      const rule = parseRuleRoute(delivery.route);
      if (rule !== undefined) return sendEvent(events, rule, delivery, signal);
      const subscription = parseSubscriptionRoute(delivery.route);
      if (subscription !== undefined) await sendMessage(messages, subscription, delivery, signal);
    },
  };
}

/** In the account of the pipeline. What is refused for good is no use trying again. */
async function startFor(service: Service, request: Parameters<typeof startPipelineForEvent>[1]): Promise<void> {
  const accountId = parseArn(request.imagePipelineArn)?.owner ?? service.accountId;
  try {
    await startPipelineForEvent({ ...service, accountId }, request);
  } catch (error) {
    if (!(error instanceof AwsError) || error.httpStatus >= 500) throw error;
    if (['ServiceQuotaExceededException', 'TooManyRequestsException'].includes(error.name)) throw error;
    throw new Undeliverable(`${error.name}: ${error.message}`);
  }
}
