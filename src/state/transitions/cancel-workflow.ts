import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { cancelSteps } from './cancel-steps.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';
import { finishWorkflow } from './finish-workflow.ts';
import { hasExecution } from './has-execution.ts';

export interface CancelWorkflow {
  readonly workflowExecutionId: string;
  /** Cut to 500 characters. */
  readonly message: string;
  readonly at: Date;
}

/**
 * RUNNING → CANCELLED, together with its steps that are not over: whoever takes the build over finds no step CANCELLED in a
 * workflow that goes on. Throws as finishWorkflow does.
 */
export function cancelWorkflow(db: Kysely<Database>, claim: ImageClaim, cancel: CancelWorkflow): Promise<void> {
  return changeClaimed(
    db,
    claim,
    async (trx) => {
      await cancelSteps(trx, claim, cancel);
      await finishWorkflow(trx, claim, { ...cancel, status: 'CANCELLED' });
    },
    (trx) => hasExecution(trx, cancel.workflowExecutionId, 'CANCELLED'),
  );
}
