import type { Kysely } from 'kysely';
import type { BuildJobs } from '../build-jobs.ts';
import { AT_ONCE, milliseconds } from '../parked.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/**
 * CREATING … INTEGRATING → the same status, with nobody's claim: every workflow of the build that runs waits for somebody's
 * decision, so its worker turns to other builds. It is queued for when the first of the waits is over; a decision that
 * came meanwhile, or a cancellation, is looked at as soon as there is a worker. Throws ClaimLostError.
 */
export function parkImage(db: Kysely<Database>, claim: ImageClaim, jobs: Pick<BuildJobs, 'enqueue'>): Promise<void> {
  return changeClaimed(db, claim, async (trx, image) => {
    const waits = await trx
      .selectFrom('waiting_steps as wait')
      .innerJoin('workflow_step_executions as step', 'step.id', 'wait.step_execution_id')
      .select(['wait.deadline', 'wait.action', milliseconds('wait.deadline').as('inMs')])
      .where('wait.image_arn', '=', claim.imageArn)
      .where('step.status', '=', 'RUNNING')
      .orderBy('wait.deadline')
      .execute();
    const isDue = image.cancel_requested_at !== null || waits.some(({ action }) => action !== null);
    const [first] = isDue ? [] : waits;
    await trx
      .updateTable('images')
      .set({ parked_until: first?.deadline ?? AT_ONCE, worker_id: null, epoch: claim.epoch + 1 })
      .where('arn', '=', claim.imageArn)
      .execute();
    await jobs.enqueue(trx, claim.imageArn, { inMs: first?.inMs });
  });
}
