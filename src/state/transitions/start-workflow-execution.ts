import type { Insertable, Kysely } from 'kysely';
import type { Database, WorkflowExecutionsTable, WorkflowStepExecutionsTable } from '../tables.ts';
import { changeClaimed, fit, type ImageClaim } from './claim.ts';
import { hasExecution } from './has-execution.ts';

export interface StartWorkflowExecution {
  /** `wf-<uuid>` */
  readonly id: string;
  readonly workflowArn: string;
  readonly type: WorkflowExecutionsTable['type'];
  /** Order within the image, unique in it. */
  readonly position: number;
  readonly parallelGroup?: string;
  readonly steps: readonly PlannedStep[];
  readonly at: Date;
}

export interface PlannedStep {
  /** `step-<uuid>` */
  readonly id: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly action: string;
  /** Unresolved, as in the document. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly onFailure: WorkflowStepExecutionsTable['on_failure'];
  readonly timeoutSeconds: number;
  /** Default 1. */
  readonly maxAttempts?: number;
}

/** Source: API Reference, WorkflowStepDescription. */
const DESCRIPTION_LENGTH = 500;

/** (nothing) → RUNNING, with all its steps PENDING, so that readers see at once what is to come. Throws ClaimLostError. */
export function startWorkflowExecution(
  db: Kysely<Database>,
  claim: ImageClaim,
  workflow: StartWorkflowExecution,
): Promise<void> {
  return changeClaimed(
    db,
    claim,
    async (trx) => {
      await trx
        .insertInto('workflow_executions')
        .values({
          id: workflow.id,
          image_arn: claim.imageArn,
          workflow_arn: workflow.workflowArn,
          type: workflow.type,
          status: 'RUNNING',
          message: null,
          total_step_count: workflow.steps.length,
          position: workflow.position,
          parallel_group: workflow.parallelGroup ?? null,
          started_at: workflow.at,
          ended_at: null,
        })
        .execute();
      const rows = workflow.steps.map((step, position) => stepRow(step, position, workflow.id, claim.imageArn));
      if (rows.length > 0) await trx.insertInto('workflow_step_executions').values(rows).execute();
    },
    (trx) => hasExecution(trx, workflow.id),
  );
}

function stepRow(
  step: PlannedStep,
  position: number,
  workflowExecutionId: string,
  imageArn: string,
): Insertable<WorkflowStepExecutionsTable> {
  return {
    id: step.id,
    workflow_execution_id: workflowExecutionId,
    image_arn: imageArn,
    name: step.name,
    description: step.description === undefined ? null : fit(step.description, DESCRIPTION_LENGTH),
    action: step.action,
    status: 'PENDING',
    rollback_status: null,
    message: null,
    inputs: JSON.stringify(step.inputs),
    outputs: null,
    on_failure: step.onFailure,
    timeout_seconds: step.timeoutSeconds,
    attempt_number: 0,
    max_attempts: step.maxAttempts ?? 1,
    position,
    started_at: null,
    ended_at: null,
  };
}
