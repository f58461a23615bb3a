import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { STAGES } from '../state/image-states.ts';
import { AT_ONCE } from '../state/parked.ts';
import type { Database } from '../state/tables.ts';

const POLL_MS = 250;

/**
 * Resolves when no image is being built or waits for a worker; those that wait for somebody are left waiting. Rejects with
 * the signal's reason.
 *
 * @param onBusy Called once when it has to wait.
 */
export async function waitUntilIdle(db: Kysely<Database>, signal: AbortSignal, onBusy: () => void): Promise<void> {
  for (let waited = false; ; waited = true) {
    signal.throwIfAborted();
    const unfinished = await db
      .selectFrom('images')
      .select('arn')
      .where('status', 'in', STAGES)
      // One that was answered, or retried, waits for a worker and not for a person.
      .where(({ eb, or }) => or([eb('parked_until', 'is', null), eb('parked_until', '<=', AT_ONCE)]))
      .limit(1)
      .execute();
    if (unfinished.length === 0) return;
    if (!waited) onBusy();
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
