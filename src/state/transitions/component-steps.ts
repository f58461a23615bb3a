import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

/** A step of a component document within an ExecuteComponents step. */
export interface ComponentStepPlace {
  readonly stepExecutionId: string;
  /** Index among the documents. */
  readonly document: number;
  readonly phase: string;
  readonly step: string;
}

/** Before a document step runs. Throws ClaimLostError: then it must not run. */
export function beginComponentStep(db: Kysely<Database>, claim: ImageClaim, place: ComponentStepPlace): Promise<void> {
  const { stepExecutionId, document, phase, step } = place;
  return changeClaimed(db, claim, async (trx) => {
    await trx
      .insertInto('component_steps')
      .values({ step_execution_id: stepExecutionId, document, phase, step, finished: null })
      .onConflict((conflict) =>
        conflict.columns(['step_execution_id', 'document', 'phase', 'step']).doUpdateSet({ finished: null }),
      )
      .execute();
  });
}

/** A document step has ended, in whatever way. Throws ClaimLostError. */
export function finishComponentStep(
  db: Kysely<Database>,
  claim: ImageClaim,
  { stepExecutionId, document, phase, step }: ComponentStepPlace,
  finished: Readonly<Record<string, unknown>>,
): Promise<void> {
  return changeClaimed(db, claim, async (trx) => {
    await trx
      .updateTable('component_steps')
      .set({ finished: JSON.stringify(finished) })
      .where('step_execution_id', '=', stepExecutionId)
      .where('document', '=', document)
      .where('phase', '=', phase)
      .where('step', '=', step)
      .execute();
  });
}
