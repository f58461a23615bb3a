import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, fit, type ImageClaim, MESSAGE_LENGTH } from './claim.ts';
import { endRollbacks } from './end-rollbacks.ts';
import { hasExecution } from './has-execution.ts';

export interface FinishWorkflow {
  readonly workflowExecutionId: string;
  /** `ROLLBACK_COMPLETED`: it failed, and what its steps had made was taken back (set-rollback-status.ts). */
  readonly status: 'COMPLETED' | 'FAILED' | 'ROLLBACK_COMPLETED' | 'CANCELLED';
  /** Cut to 500 characters. */
  readonly message?: string | undefined;
  readonly at: Date;
}

/**
 * RUNNING, ROLLBACK_IN_PROGRESS → COMPLETED, FAILED, ROLLBACK_COMPLETED, CANCELLED. How many steps succeeded is not stored;
 * readers count (step-totals.ts). Steps after a failed one stay PENDING, as AWS leaves them. Throws ClaimLostError, and an
 * Error when the workflow does not run or has steps that have not ended.
 */
export function finishWorkflow(db: Kysely<Database>, claim: ImageClaim, finish: FinishWorkflow): Promise<void> {
  const { workflowExecutionId, status, message, at } = finish;
  const failed = status === 'FAILED' || status === 'ROLLBACK_COMPLETED';
  return changeClaimed(
    db,
    claim,
    async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('workflow_executions')
        .set({ status, message: message === undefined ? null : fit(message, MESSAGE_LENGTH), ended_at: at })
        .where('id', '=', workflowExecutionId)
        .where('image_arn', '=', claim.imageArn)
        .where('status', 'in', ['RUNNING', 'ROLLBACK_IN_PROGRESS'])
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('workflow_step_executions')
                .select('id')
                .where('workflow_execution_id', '=', workflowExecutionId)
                .where('status', 'in', failed ? ['RUNNING'] : ['PENDING', 'RUNNING']),
            ),
          ),
        )
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) {
        throw new Error(`${claim.imageArn} has no running workflow ${workflowExecutionId} whose steps have all ended.`);
      }
      if (status !== 'COMPLETED') await endRollbacks(trx, [workflowExecutionId]);
    },
    (trx) => hasExecution(trx, workflowExecutionId, status),
  );
}
