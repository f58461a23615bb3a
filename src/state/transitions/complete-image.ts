import type { Kysely } from 'kysely';
import { writeImageEvent } from '../events.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

export interface CompleteImage {
  /** AWS's OutputResources; left out, what putOutputAmis recorded stays. */
  readonly outputResources?: Readonly<Record<string, unknown>>;
  /** Left out, what was recorded stays. */
  readonly osVersion?: string | undefined;
  readonly at: Date;
}

/** BUILDING … INTEGRATING → AVAILABLE: the build ended well. Throws ClaimLostError. */
export function completeImage(db: Kysely<Database>, claim: ImageClaim, result: CompleteImage): Promise<void> {
  const { outputResources, osVersion, at } = result;
  return changeClaimed(
    db,
    claim,
    async (trx) => {
      await trx
        .updateTable('images')
        .set({
          status: 'AVAILABLE',
          ended_at: at,
          ...(outputResources === undefined ? {} : { output_resources: JSON.stringify(outputResources) }),
          ...(osVersion === undefined ? {} : { os_version: osVersion }),
        })
        .where('arn', '=', claim.imageArn)
        .execute();
      await writeImageEvent(trx, claim.imageArn, { status: 'AVAILABLE' }, at);
    },
    (_, image) => image.status === 'AVAILABLE',
  );
}
