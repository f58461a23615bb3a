import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim, inTransaction } from './claim.ts';
import { completeStep } from './complete-step.ts';
import { finishWorkflow } from './finish-workflow.ts';
import { skipStep } from './skip-step.ts';
import { startStep } from './start-step.ts';
import { type StartWorkflowExecution, startWorkflowExecution } from './start-workflow-execution.ts';

export interface ReusedWorkflow extends StartWorkflowExecution {
  /** Why nothing had to be done. */
  readonly message: string;
  /** The one step that has a result nevertheless. */
  readonly completed?: { readonly stepId: string; readonly outputs: Readonly<Record<string, unknown>> };
}

/** (nothing) → COMPLETED, with its steps SKIPPED but one: another image's result stands for this one's. Throws ClaimLostError. */
export function recordReusedWorkflow(db: Kysely<Database>, claim: ImageClaim, workflow: ReusedWorkflow): Promise<void> {
  const { id, steps, message, completed, at } = workflow;
  return inTransaction(db, (trx) =>
    changeClaimed(trx, claim, async () => {
      await startWorkflowExecution(trx, claim, workflow);
      for (const { id: stepExecutionId, inputs } of steps) {
        if (stepExecutionId !== completed?.stepId) {
          await skipStep(trx, claim, { stepExecutionId, message, at });
          continue;
        }
        await startStep(trx, claim, { stepExecutionId, inputs, at });
        await completeStep(trx, claim, { stepExecutionId, outputs: completed.outputs, message, at });
      }
      await finishWorkflow(trx, claim, { workflowExecutionId: id, status: 'COMPLETED', message, at });
    }),
  );
}
