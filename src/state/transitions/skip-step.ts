import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeStep } from './change-step.ts';
import { fit, type ImageClaim, MESSAGE_LENGTH } from './claim.ts';

export interface SkipStep {
  readonly stepExecutionId: string;
  /** Cut to 500 characters. */
  readonly message?: string | undefined;
  readonly at: Date;
}

/**
 * PENDING → SKIPPED. Its inputs stay unresolved and it begins and ends at the same time, as AWS records it.
 * Throws ClaimLostError.
 */
export function skipStep(db: Kysely<Database>, claim: ImageClaim, step: SkipStep): Promise<void> {
  return changeStep(db, claim, step.stepExecutionId, {
    from: 'PENDING',
    to: 'SKIPPED',
    set: {
      message: step.message === undefined ? null : fit(step.message, MESSAGE_LENGTH),
      started_at: step.at,
      ended_at: step.at,
    },
    at: step.at,
  });
}
