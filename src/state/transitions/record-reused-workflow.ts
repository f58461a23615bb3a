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
  /** Outputs of the steps that have a result nevertheless, by their ids. */
  readonly results?: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** (nothing) → COMPLETED, with its steps SKIPPED but those with a result: another image's result stands for this one's. Throws ClaimLostError. */
export function recordReusedWorkflow(db: Kysely<Database>, claim: ImageClaim, workflow: ReusedWorkflow): Promise<void> {
  const { id, steps, message, results, at } = workflow;
  return inTransaction(db, (trx) =>
    changeClaimed(trx, claim, async () => {
      await startWorkflowExecution(trx, claim, workflow);
      for (const { id: stepExecutionId, inputs } of steps) {
        const outputs = results?.get(stepExecutionId);
        if (outputs === undefined) {
          await skipStep(trx, claim, { stepExecutionId, message, at });
          continue;
        }
        await startStep(trx, claim, { stepExecutionId, inputs, at });
        await completeStep(trx, claim, { stepExecutionId, outputs, message, at });
      }
      await finishWorkflow(trx, claim, { workflowExecutionId: id, status: 'COMPLETED', message, at });
    }),
  );
}
