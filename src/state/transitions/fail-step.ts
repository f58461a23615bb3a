import type { Kysely } from 'kysely';
import type { DocumentSeconds } from '../step-history.ts';
import type { Database } from '../tables.ts';
import { changeStep } from './change-step.ts';
import { fit, type ImageClaim, MESSAGE_LENGTH } from './claim.ts';

export interface FailStep {
  readonly stepExecutionId: string;
  /** Cut to 500 characters. */
  readonly message: string;
  /** What the step says of its failure. */
  readonly outputs?: Readonly<Record<string, unknown>> | undefined;
  /** What whoever goes on with the build has to know of it. */
  readonly failure?: object | undefined;
  readonly documentSeconds?: DocumentSeconds | undefined;
  readonly at: Date;
}

/** RUNNING → FAILED. Throws ClaimLostError. */
export function failStep(db: Kysely<Database>, claim: ImageClaim, step: FailStep): Promise<void> {
  return changeStep(db, claim, step.stepExecutionId, {
    from: 'RUNNING',
    to: 'FAILED',
    set: {
      outputs: step.outputs === undefined ? null : JSON.stringify(step.outputs),
      message: fit(step.message, MESSAGE_LENGTH),
      failure: step.failure === undefined ? null : JSON.stringify(step.failure),
      document_seconds: step.documentSeconds === undefined ? null : JSON.stringify(step.documentSeconds),
      ended_at: step.at,
    },
    at: step.at,
  });
}
