import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database, WorkflowExecutionsTable, WorkflowStepExecutionsTable } from '../tables.ts';
import { changeAtOnce } from './change-at-once.ts';
import { fit, type ImageClaim } from './claim.ts';
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
export async function startWorkflowExecution(
  db: Kysely<Database>,
  claim: ImageClaim,
  workflow: StartWorkflowExecution,
): Promise<void> {
  const { id, workflowArn, type, position, parallelGroup = null, at } = workflow;
  const steps = workflow.steps.map((step, place) => stepRow(step, place, id, claim.imageArn));
  await changeAtOnce(
    db,
    claim,
    sql`changed as (
      insert into workflow_executions
        (id, image_arn, workflow_arn, type, status, total_step_count, position, parallel_group, started_at)
      select ${id}, arn, ${workflowArn}, ${type}, 'RUNNING', ${steps.length}::integer, ${position}::integer,
        ${parallelGroup}, ${at}::timestamptz
      from claimed
      returning id
    ), planned as (
      insert into workflow_step_executions
      select step.* from claimed,
        jsonb_populate_recordset(null::workflow_step_executions, ${JSON.stringify(steps)}::jsonb) as step
    )`,
    (trx) => hasExecution(trx, id),
  );
}

function stepRow(
  step: PlannedStep,
  position: number,
  workflowExecutionId: string,
  imageArn: string,
): Selectable<WorkflowStepExecutionsTable> {
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
    inputs: step.inputs,
    outputs: null,
    on_failure: step.onFailure,
    timeout_seconds: step.timeoutSeconds,
    attempt_number: 0,
    max_attempts: step.maxAttempts ?? 1,
    position,
    started_at: null,
    ended_at: null,
    failure: null,
    document_seconds: null,
  };
}
