import { Life } from '../../src/engine/simulated/life.ts';
import { mortalDatabase } from '../../src/engine/simulated/mortal-database.ts';
import { type Deliveries, deliverDue, dispatchAll } from '../../src/events/deliver.ts';
import { readRuleRoutes } from '../../src/events/rule-routes.ts';
import type { Connection } from '../../src/state/build-jobs.ts';
import { type Clock, systemClock } from '../../src/util/clock.ts';

/** What delivers events to the targets of rules, and can be killed at any point. */
export interface MortalServer {
  kill(): void;
  /** Ends it; it must live. */
  stop(): Promise<void>;
}

/** Receives events of rules, and fails now and then, before or after it has taken one. */
export class Receiver {
  /** Ids of events by what they are about, in the order in which they came first. */
  readonly received = new Map<string, Set<string>>();
  #count = 0;

  readonly send: Deliveries['send'] = async ({ item: { about, uid } }) => {
    const dice = this.#count++ % 11;
    if (dice === 3) throw new Error('The receiver is away');
    const events = this.received.get(about) ?? new Set();
    this.received.set(about, events.add(uid));
    if (dice === 7) throw new Error('The answer was lost');
  };
}

/** Waits and leases of deliveries are minutes; here they pass in a fraction of a second. */
export function hurriedClock(): Clock {
  const begin = systemClock.now().getTime();
  return { now: () => new Date(begin + (systemClock.now().getTime() - begin) * 600) };
}

export function startMortalServer(options: {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly receiver: Receiver;
  readonly onUse: () => void;
}): MortalServer {
  const { connection, clock, receiver, onUse } = options;
  const life = new Life(onUse);
  const { db, cut } = mortalDatabase(connection, life);
  const stopping = new AbortController();
  const deliveries: Deliveries = {
    ...{ db, clock, log: { warn: () => {} } },
    readRoutes: (within) => readRuleRoutes(within),
    send: (delivery, signal) => life.use(() => receiver.send(delivery, signal)),
  };
  const round = async (): Promise<void> => {
    await dispatchAll(deliveries);
    await deliverDue(deliveries, stopping.signal);
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      // While the database is away there is nothing to be done.
      await round().catch(() => {});
      await life.use(() => new Promise((resolve) => setTimeout(resolve, 50)));
    }
  })();
  return {
    kill: () => {
      life.kill();
      cut();
    },
    stop: async () => {
      stopping.abort();
      await running;
      await db.destroy();
    },
  };
}
