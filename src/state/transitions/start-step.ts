import type { Kysely } from 'kysely';
import type { Database } from '../tables.ts';
import { changeStep } from './change-step.ts';
import type { ImageClaim } from './claim.ts';

export interface StartStep {
  readonly stepExecutionId: string;
  /** Resolved. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

/** PENDING → RUNNING, attempt 1. Throws ClaimLostError. */
export function startStep(db: Kysely<Database>, claim: ImageClaim, step: StartStep): Promise<void> {
  return changeStep(db, claim, step.stepExecutionId, {
    from: 'PENDING',
    to: 'RUNNING',
    set: { inputs: JSON.stringify(step.inputs), attempt_number: 1, started_at: step.at },
    at: step.at,
  });
}
