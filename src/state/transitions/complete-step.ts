import type { Kysely } from 'kysely';
import type { DocumentSeconds } from '../step-history.ts';
import type { Database } from '../tables.ts';
import { changeStep } from './change-step.ts';
import { fit, type ImageClaim, MESSAGE_LENGTH } from './claim.ts';

export interface CompleteStep {
  readonly stepExecutionId: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Cut to 500 characters. */
  readonly message?: string | undefined;
  readonly documentSeconds?: DocumentSeconds | undefined;
  readonly at: Date;
}

/** RUNNING → COMPLETED. Throws ClaimLostError. */
export function completeStep(db: Kysely<Database>, claim: ImageClaim, step: CompleteStep): Promise<void> {
  return changeStep(db, claim, step.stepExecutionId, {
    from: 'RUNNING',
    to: 'COMPLETED',
    set: {
      outputs: JSON.stringify(step.outputs),
      message: step.message === undefined ? null : fit(step.message, MESSAGE_LENGTH),
      document_seconds: step.documentSeconds === undefined ? null : JSON.stringify(step.documentSeconds),
      ended_at: step.at,
    },
    at: step.at,
  });
}
