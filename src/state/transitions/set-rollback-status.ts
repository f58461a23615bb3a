import type { Kysely } from 'kysely';
import type { Database, WorkflowStepExecutionsTable } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

export interface SetRollbackStatus {
  readonly stepExecutionId: string;
  readonly rollbackStatus: NonNullable<WorkflowStepExecutionsTable['rollback_status']>;
}

/**
 * Records how far taking back a step's effect has come. The status of the step itself stays; with the first step that is
 * taken back, its workflow goes from RUNNING to ROLLBACK_IN_PROGRESS. Throws ClaimLostError.
 */
export function setRollbackStatus(db: Kysely<Database>, claim: ImageClaim, step: SetRollbackStatus): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    if (step.rollbackStatus === 'RUNNING') {
      await trx
        .updateTable('workflow_executions')
        .from('workflow_step_executions as step')
        .set({ status: 'ROLLBACK_IN_PROGRESS' })
        .whereRef('workflow_executions.id', '=', 'step.workflow_execution_id')
        .where('step.id', '=', step.stepExecutionId)
        .where('workflow_executions.image_arn', '=', claim.imageArn)
        .where('workflow_executions.status', '=', 'RUNNING')
        .execute();
    }
    await trx
      .updateTable('workflow_step_executions')
      .set({ rollback_status: step.rollbackStatus })
      .where('id', '=', step.stepExecutionId)
      .where('image_arn', '=', claim.imageArn)
      .execute();
  });
}
