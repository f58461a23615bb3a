import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { FollowEvents } from '../contract/kiln-operations.ts';
import type { Database } from '../state/tables.ts';

const POLL_MS = 250;
const BATCH = 500;

/** Events as they were dispatched, those of the last 30 days. */
export function followEvents(db: Kysely<Database>): FollowEvents {
  return async function* follow(request, signal) {
    let { after } = request;
    while (!signal.aborted) {
      const rows = await db
        .selectFrom('outbox')
        .select(['position', 'body'])
        .where('kind', '=', 'event')
        .where('position', '>', after)
        .where(sql`body ->> 'account'`, '=', request.accountId)
        .orderBy('position')
        .limit(BATCH)
        .execute();
      for (const { position, body } of rows) {
        after = position ?? after;
        yield { position: after, event: body };
      }
      if (rows.length === BATCH) continue;
      if (!request.follow) return;
      // An abort ends the pause, and then the loop.
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  };
}
