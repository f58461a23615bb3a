import type { Kysely } from 'kysely';
import { writeImageEvent } from '../events.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, fit, type ImageClaim, REASON_LENGTH } from './claim.ts';

export interface FailImage {
  /** For people; cut to 1,024 characters. */
  readonly reason: string;
  /** AWS's FailureContext without `imageStatus`, which is the stage that the image was in. */
  readonly failureContext?: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

/** CREATING … INTEGRATING → FAILED. Throws ClaimLostError. */
export function failImage(db: Kysely<Database>, claim: ImageClaim, failure: FailImage): Promise<void> {
  const reason = fit(failure.reason, REASON_LENGTH);
  return changeClaimed(
    db,
    claim,
    async (trx, image) => {
      await trx
        .updateTable('images')
        .set({
          status: 'FAILED',
          reason,
          failure_context: JSON.stringify({ imageStatus: image.status, ...failure.failureContext }),
          ended_at: failure.at,
        })
        .where('arn', '=', claim.imageArn)
        .execute();
      await writeImageEvent(trx, claim.imageArn, { status: 'FAILED', reason }, failure.at);
    },
    (_, image) => image.status === 'FAILED',
  );
}
