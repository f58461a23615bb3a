import { cancelImage } from '../state/transitions/cancel-image.ts';
import { cancelSteps } from '../state/transitions/cancel-steps.ts';
import { changeClaimed, type ImageClaim } from '../state/transitions/claim.ts';
import { failImage } from '../state/transitions/fail-image.ts';
import { failStep } from '../state/transitions/fail-step.ts';
import { finishWorkflow } from '../state/transitions/finish-workflow.ts';
import { runningExecutions } from './build-records.ts';
import type { Engine } from './engine.ts';
import type { FailureOnRecord } from './failure-cause/failure-on-record.ts';

export interface End {
  readonly status: 'CANCELLED' | 'FAILED';
  /** For people. */
  readonly reason: string;
  /** Of the steps that run. */
  readonly failure?: FailureOnRecord;
  readonly failureContext?: Readonly<Record<string, unknown>>;
}

/**
 * Ends the image, and with it what is still open on record: a build may end between its workflows, or before it has gone on
 * with them. Whoever took it over when only one of them had ended would go on with a workflow whose instances are gone.
 * Throws ClaimLostError.
 */
export function recordEnd({ db, clock }: Engine, claim: ImageClaim, end: End): Promise<void> {
  const at = clock.now();
  return changeClaimed(
    db,
    claim,
    async (trx) => {
      await endExecutions(trx, claim, end, at);
      if (end.status === 'CANCELLED') await cancelImage(trx, claim, { reason: end.reason, at });
      else await failImage(trx, claim, { ...end, at });
    },
    (_, image) => image.status === end.status,
  );
}

async function endExecutions(
  trx: Engine['db'],
  claim: ImageClaim,
  { status, reason: message, failure }: End,
  at: Date,
): Promise<void> {
  const open = await runningExecutions(trx, claim.imageArn);
  if (status === 'CANCELLED' && open.length > 0) await cancelSteps(trx, claim, { message, at });
  for (const { workflowExecutionId, step } of open) {
    if (status === 'FAILED' && step !== undefined) {
      await failStep(trx, claim, { stepExecutionId: step.id, message, failure, at });
    }
    await finishWorkflow(trx, claim, { workflowExecutionId, status, message, at });
  }
}
