/** Brings what was published to whoever wants it: dispatches, tries, waits, tries again, gives up. */
import type { Kysely } from 'kysely';
import { dispatchOutbox, type OutboxRow, type RoutesOf } from '../state/outbox/dispatch.ts';
import { purgeOutbox } from '../state/outbox/purge-outbox.ts';
import { releaseDelivery, settleDead, settleDelivered, settleFailed } from '../state/outbox/settle-deliveries.ts';
import { type DueDelivery, takeDeliveries } from '../state/outbox/take-deliveries.ts';
import type { Database } from '../state/tables.ts';
import type { Clock } from '../util/clock.ts';
import { coerceError } from '../util/faults.ts';
import { Undeliverable } from './undeliverable.ts';

export interface Deliveries {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  /** Who wants what, as it is now. */
  readonly readRoutes: (db: Kysely<Database>, rows: readonly OutboxRow[]) => Promise<RoutesOf>;
  /**
   * Brings one thing to where a route leads, at least once: it may come again after a crash. Throws Undeliverable when
   * it is refused for good, another error when it is worth trying again. A route that is gone is no error.
   */
  readonly send: (delivery: DueDelivery, signal: AbortSignal) => Promise<void>;
  readonly log: { warn(fields: object, message: string): void };
}

/** Deliveries at a time. */
const AT_ONCE = 16;
/** Of one route; a route that hangs keeps no more than these from others. */
const PER_ROUTE = 4;
/** How long one attempt may take. */
export const ATTEMPT_MS = 30_000;
const LEASE_MS = 2 * ATTEMPT_MS;
/** How old something may be that does not arrive. A receiver that is down for a day, or over a weekend, misses nothing. */
export const GIVE_UP_MS = 3 * 24 * 60 * 60_000;
/** How long what arrived is kept for `kiln events`. */
const KEEP_MS = 30 * 24 * 60 * 60_000;

/** Makes deliveries of all that was published. */
export async function dispatchAll({ db, clock, readRoutes }: Deliveries): Promise<void> {
  while ((await dispatchOutbox(db, readRoutes, clock.now())) > 0);
}

/** Attempts that are under way, at most {@link AT_ONCE}. */
export interface Deliverer {
  /** Begins what is due and for what there is room, and does not wait for its end. Gives how many it began. */
  begin(signal: AbortSignal): Promise<number>;
  /** Resolves when one of the attempts has ended; undefined when there is none. */
  next(): Promise<void> | undefined;
}

/** @param onEnd called when an attempt has ended: what comes after it may be due */
export function createDeliverer(deliveries: Deliveries, onEnd: () => void = () => {}): Deliverer {
  const { db, clock } = deliveries;
  const running = new Set<Promise<void>>();
  return {
    begin: async (signal) => {
      const limit = AT_ONCE - running.size;
      if (limit <= 0) return 0;
      const due = await takeDeliveries(db, { now: clock.now(), limit, perRoute: PER_ROUTE, leaseMs: LEASE_MS });
      for (const delivery of due) {
        const attempt = tryOnce(deliveries, delivery, signal)
          // The lease ends, and it is tried again.
          .catch((error: unknown) => deliveries.log.warn({ err: coerceError(error) }, 'a delivery was not settled'))
          .finally(() => {
            running.delete(attempt);
            onEnd();
          });
        running.add(attempt);
      }
      return due.length;
    },
    next: () => (running.size === 0 ? undefined : Promise.race(running)),
  };
}

/** Tries everything that is due, until nothing is or the signal aborts. Gives how many attempts there were. */
export async function deliverDue(deliveries: Deliveries, signal: AbortSignal): Promise<number> {
  const deliverer = createDeliverer(deliveries);
  let attempts = 0;
  for (;;) {
    // What ends while the database is asked makes room that the answer does not know of: then it is asked again.
    const wasIdle = deliverer.next() === undefined;
    const begun = signal.aborted ? 0 : await deliverer.begin(signal);
    attempts += begun;
    const ended = deliverer.next();
    if (ended === undefined && begun === 0 && wasIdle) return attempts;
    await ended;
  }
}

async function tryOnce(deliveries: Deliveries, delivery: DueDelivery, signal: AbortSignal): Promise<void> {
  const { db, clock, send, log } = deliveries;
  try {
    await send(delivery, AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]));
  } catch (thrown) {
    if (signal.aborted) return releaseDelivery(db, delivery);
    const error = coerceError(thrown).message.slice(0, 1_000);
    const now = clock.now();
    const { id, route } = delivery;
    if (thrown instanceof Undeliverable || delivery.age >= GIVE_UP_MS) {
      await settleDead(db, delivery, { error, now });
      log.warn({ delivery: id, route, error }, 'given up: a dead letter');
    } else {
      await settleFailed(db, delivery, { error, now, waitMs });
      log.warn({ delivery: id, route, error, attempts: delivery.attempts + 1 }, 'not delivered, to be tried again');
    }
    return;
  }
  await settleDelivered(db, delivery);
}

/** 1 s, 2 s, 4 s …; deliveries.ts bounds it. */
function waitMs(failures: number): number {
  return 1_000 * 2 ** Math.min(failures - 1, 20);
}

/** Forgets what is old and owed to nobody. */
export async function purge({ db, clock }: Deliveries): Promise<void> {
  await purgeOutbox(db, new Date(clock.now().getTime() - KEEP_MS));
}
