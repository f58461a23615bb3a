import type { Kysely } from 'kysely';
import type { BuildJobs } from '../build-jobs.ts';
import { writeImageEvent } from '../events.ts';
import { isUnfinished } from '../image-states.ts';
import type { Database } from '../tables.ts';
import { inTransaction, lockImage } from './claim.ts';
import { wakeImage } from './wake-image.ts';

/**
 * `cancelled`: it was PENDING and is CANCELLED. `requested`: its worker was asked to stop, now or before; it becomes
 * CANCELLED when the worker has cleaned up. `ended`: it was finished already, nothing changed. `not-found`: no such image.
 */
export type CancellationAnswer = 'cancelled' | 'requested' | 'ended' | 'not-found';

/**
 * PENDING → CANCELLED at once, because nobody works on it; CREATING … INTEGRATING → the same status with
 * `cancel_requested_at`, which the image's worker watches (claim-watches.ts). One that is parked has none: whoever takes
 * it next, now, cleans up.
 */
export function requestImageCancellation(
  db: Kysely<Database>,
  { imageArn, at }: { readonly imageArn: string; readonly at: Date },
  jobs: Pick<BuildJobs, 'enqueue'>,
): Promise<CancellationAnswer> {
  return inTransaction(db, async (trx) => {
    const image = await lockImage(trx, imageArn);
    if (image === undefined) return 'not-found';
    if (!isUnfinished(image.status)) return 'ended';
    const pending = image.status === 'PENDING';
    await trx
      .updateTable('images')
      .set({
        cancel_requested_at: image.cancel_requested_at ?? at,
        ...(pending ? { status: 'CANCELLED' as const, ended_at: at, queued_from: null } : {}),
      })
      .where('arn', '=', imageArn)
      .execute();
    if (pending) await writeImageEvent(trx, imageArn, { status: 'CANCELLED' }, at);
    else await wakeImage(trx, image, jobs);
    return pending ? 'cancelled' : 'requested';
  });
}
