import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Database } from './tables.ts';

const POLL_MS = 250;

/**
 * Calls `onCancel` once, within a quarter of a second, when somebody asked for the image's cancellation (also before the
 * watch began) or deleted its row. Resolves after that, or when `signal` aborts. Failed queries are tried again: a
 * database that is away for a moment neither cancels builds nor ends the watch.
 */
export async function watchCancellation(
  db: Kysely<Database>,
  imageArn: string,
  onCancel: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (await isCancelled(db, imageArn)) {
      if (!signal.aborted) onCancel();
      return;
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

async function isCancelled(db: Kysely<Database>, imageArn: string): Promise<boolean> {
  try {
    const image = await db
      .selectFrom('images')
      .select('cancel_requested_at')
      .where('arn', '=', imageArn)
      .executeTakeFirst();
    return image === undefined || image.cancel_requested_at !== null;
  } catch {
    return false;
  }
}
