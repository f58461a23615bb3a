import type { Kysely } from 'kysely';
import type { Database, WorkflowStepExecutionsTable } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

export interface SetRollbackStatus {
  readonly stepExecutionId: string;
  readonly rollbackStatus: NonNullable<WorkflowStepExecutionsTable['rollback_status']>;
}

/** Records how far taking back a step's effect has come. The status of the step itself stays. Throws ClaimLostError. */
export function setRollbackStatus(db: Kysely<Database>, claim: ImageClaim, step: SetRollbackStatus): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    await trx
      .updateTable('workflow_step_executions')
      .set({ rollback_status: step.rollbackStatus })
      .where('id', '=', step.stepExecutionId)
      .where('image_arn', '=', claim.imageArn)
      .execute();
  });
}
