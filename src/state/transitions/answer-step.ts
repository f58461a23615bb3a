import { type Kysely, sql } from 'kysely';
import type { BuildJobs } from '../build-jobs.ts';
import { isUnfinished } from '../image-states.ts';
import type { Database } from '../tables.ts';
import { inTransaction, lockImage } from './claim.ts';
import { wakeImage } from './wake-image.ts';

export interface StepAnswer {
  readonly stepExecutionId: string;
  readonly imageArn: string;
  readonly action: 'RESUME' | 'STOP';
  readonly reason: string | undefined;
  readonly at: Date;
}

/**
 * Tells a waiting step to go on or to fail; the build goes on when a worker takes it. False when the step does not wait
 * (any more): of two who answer at once, one is heard.
 */
export function answerStep(
  db: Kysely<Database>,
  answer: StepAnswer,
  jobs: Pick<BuildJobs, 'enqueue'>,
): Promise<boolean> {
  const { stepExecutionId, imageArn, action, reason, at } = answer;
  return inTransaction(db, async (trx) => {
    const image = await lockImage(trx, imageArn);
    if (image === undefined || !isUnfinished(image.status) || image.cancel_requested_at !== null) return false;
    const { numUpdatedRows } = await trx
      .updateTable('waiting_steps as wait')
      .from('workflow_step_executions as step')
      .set({ action, reason: reason ?? null, answered_at: at })
      .whereRef('step.id', '=', 'wait.step_execution_id')
      .where('wait.step_execution_id', '=', stepExecutionId)
      .where('wait.image_arn', '=', imageArn)
      .where('wait.action', 'is', null)
      .where('wait.deadline', '>', sql<Date>`now()`)
      .where('step.status', '=', 'RUNNING')
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) return false;
    await wakeImage(trx, image, jobs);
    return true;
  });
}
