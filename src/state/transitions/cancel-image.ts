import type { Kysely } from 'kysely';
import { writeImageEvent } from '../events.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, fit, type ImageClaim, REASON_LENGTH } from './claim.ts';

/**
 * CREATING … INTEGRATING → CANCELLED: the build was stopped and everything it held is released. (A PENDING image is
 * cancelled by requestImageCancellation.) Throws ClaimLostError.
 */
export function cancelImage(
  db: Kysely<Database>,
  claim: ImageClaim,
  { reason, at }: { readonly reason?: string | undefined; readonly at: Date },
): Promise<void> {
  const fitting = reason === undefined ? undefined : fit(reason, REASON_LENGTH);
  return changeClaimed(
    db,
    claim,
    async (trx) => {
      await trx
        .updateTable('images')
        .set({ status: 'CANCELLED', reason: fitting ?? null, ended_at: at })
        .where('arn', '=', claim.imageArn)
        .execute();
      await writeImageEvent(trx, claim.imageArn, { status: 'CANCELLED', reason: fitting }, at);
    },
    (_, image) => image.status === 'CANCELLED',
  );
}
