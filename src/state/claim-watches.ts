import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { isUnfinished } from './image-states.ts';
import type { Database } from './tables.ts';
import { ClaimLostError, type ImageClaim } from './transitions/claim.ts';

const POLL_MS = 250;
/** A query that gets no answer holds up nobody's watch for longer. */
const GIVE_UP_MS = 5_000;

export interface ClaimWatch {
  /** Somebody asked for the image's cancellation, also before the watch began. */
  onCancel(): void;
  /** The claim is over: somebody took the image over, it has ended, or it was deleted. */
  onLost(error: ClaimLostError): void;
}

/** Watches the claims of all builds of a process with one query at a time; while there are none it asks nothing. */
export interface ClaimWatches {
  /**
   * Tells once, within a quarter of a second, what makes a build stop. Resolves after that, or when `signal` aborts; then
   * nothing is told any more. Never rejects. It only makes a build stop early: what keeps it from changing anything is the
   * epoch, which each change compares (transitions/claim.ts).
   */
  watch(claim: ImageClaim, watch: ClaimWatch, signal: AbortSignal): Promise<void>;
}

interface Watched extends ClaimWatch {
  readonly claim: ImageClaim;
  leave(): void;
}

/** Failed queries are tried again: a database that is away for a moment neither cancels builds nor ends a watch. */
export function claimWatches(db: Kysely<Database>): ClaimWatches {
  const watched = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  function lookLater(): void {
    if (timer !== undefined || looking !== undefined || watched.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      looking = lookAtAll().finally(() => {
        looking = undefined;
        lookLater();
      });
    }, POLL_MS);
    // Builds keep their process alive, not the watch over them.
    timer.unref();
  }

  async function lookAtAll(): Promise<void> {
    const asked = [...watched];
    const over = new AbortController();
    const look = tellAll(db, asked, (one) => watched.has(one))
      .catch(() => {})
      .finally(() => over.abort());
    await Promise.race([look, delay(GIVE_UP_MS, undefined, { signal: over.signal, ref: false }).catch(() => {})]);
  }

  return {
    watch: async (claim, { onCancel, onLost }, signal) => {
      if (signal.aborted) return;
      const left = Promise.withResolvers<void>();
      const leave = (): void => {
        watched.delete(one);
        left.resolve();
      };
      const one: Watched = { claim, onCancel, onLost, leave };
      watched.add(one);
      signal.addEventListener('abort', leave, { once: true });
      lookLater();
      await left.promise;
      signal.removeEventListener('abort', leave);
      if (watched.size === 0) {
        clearTimeout(timer);
        timer = undefined;
      }
      // Whoever ended the watch may close the database next.
      await looking;
    },
  };
}

async function tellAll(
  db: Kysely<Database>,
  asked: readonly Watched[],
  isWatched: (one: Watched) => boolean,
): Promise<void> {
  const images = await db
    .selectFrom('images')
    .select(['arn', 'cancel_requested_at', 'epoch', 'status'])
    .where('arn', 'in', [...new Set(asked.map(({ claim }) => claim.imageArn))])
    .execute();
  const byArn = new Map(images.map((image) => [image.arn, image]));
  for (const one of asked) {
    if (!isWatched(one)) continue;
    const image = byArn.get(one.claim.imageArn);
    if (image === undefined || image.epoch !== one.claim.epoch || !isUnfinished(image.status)) {
      one.leave();
      one.onLost(new ClaimLostError(one.claim, image));
    } else if (image.cancel_requested_at !== null) {
      one.leave();
      one.onCancel();
    }
  }
}
