import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeStep } from './change-step.ts';
import type { ImageClaim } from './claim.ts';

export interface RetryStep {
  readonly stepExecutionId: string;
  /** 2 for the first repetition. */
  readonly attemptNumber: number;
  readonly at: Date;
}

/** RUNNING → RUNNING: an attempt failed and the next one begins. Throws ClaimLostError. */
export function retryStep(db: Kysely<Database>, claim: ImageClaim, step: RetryStep): Promise<void> {
  return changeStep(db, claim, step.stepExecutionId, {
    from: 'RUNNING',
    to: 'RUNNING',
    set: { attempt_number: step.attemptNumber },
    at: step.at,
  });
}
