import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { isUnfinished } from './image-states.ts';
import type { Database } from './tables.ts';
import { ClaimLostError, type ImageClaim } from './transitions/claim.ts';

const POLL_MS = 250;

export interface ClaimWatch {
  /** Somebody asked for the image's cancellation, also before the watch began. */
  onCancel(): void;
  /** The claim is over: somebody took the image over, it has ended, or it was deleted. */
  onLost(error: ClaimLostError): void;
}

/**
 * Tells once, within a quarter of a second, what makes a build stop. Resolves after that, or when `signal` aborts. Failed
 * queries are tried again: a database that is away for a moment neither cancels builds nor ends the watch.
 */
export async function watchClaim(
  db: Kysely<Database>,
  claim: ImageClaim,
  watch: ClaimWatch,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const tell = await look(db, claim, watch).catch(() => undefined);
    if (tell !== undefined) {
      if (!signal.aborted) tell();
      return;
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

async function look(
  db: Kysely<Database>,
  claim: ImageClaim,
  { onCancel, onLost }: ClaimWatch,
): Promise<(() => void) | undefined> {
  const image = await db
    .selectFrom('images')
    .select(['cancel_requested_at', 'epoch', 'status'])
    .where('arn', '=', claim.imageArn)
    .executeTakeFirst();
  if (image === undefined || image.epoch !== claim.epoch || !isUnfinished(image.status)) {
    return () => onLost(new ClaimLostError(claim, image));
  }
  return image.cancel_requested_at === null ? undefined : onCancel;
}
