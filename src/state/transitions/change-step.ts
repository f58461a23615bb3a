import { type Kysely, sql, type Updateable } from 'kysely';
import { stepEvent } from '../events.ts';
import type { Database, StepExecutionStatus, WorkflowStepExecutionsTable } from '../tables.ts';
import { changeAtOnce } from './change-at-once.ts';
import type { ImageClaim } from './claim.ts';

/**
 * The common part of the transitions of one step: changes it and records the event, under the image's claim. Throws
 * ClaimLostError, and an Error when the step is not in the state `from`, which is a bug of the caller.
 */
export async function changeStep(
  db: Kysely<Database>,
  claim: ImageClaim,
  stepExecutionId: string,
  change: {
    readonly from: StepExecutionStatus;
    readonly to: StepExecutionStatus;
    readonly set: Updateable<WorkflowStepExecutionsTable>;
    readonly at: Date;
  },
): Promise<void> {
  const { from, to, at } = change;
  const set = Object.entries({ ...change.set, status: to }).map(([name, value]) => sql`${sql.id(name)} = ${value}`);
  // What is written of its document steps is of the attempt that is over; so is what it was told, when another one begins.
  const changed = await changeAtOnce(
    db,
    claim,
    sql`changed as (
      update workflow_step_executions as step set ${sql.join(set)} from claimed
      where step.id = ${stepExecutionId} and step.image_arn = claimed.arn and step.status = ${from}
      returning step.*
    ), forgotten as (
      delete from component_steps using changed where component_steps.step_execution_id = changed.id
    ), unasked as (
      delete from waiting_steps using changed
      where waiting_steps.step_execution_id = changed.id and changed.status = 'RUNNING'
    ), told as (
      ${stepEvent('changed', to, at)}
    )`,
    (trx) => isIn(trx, stepExecutionId, change),
  );
  if (changed === 0)
    throw new Error(`${claim.imageArn} has no step ${stepExecutionId} that goes from ${from} to ${to}.`);
}

/** Whether an earlier try came through: nobody but us changes the step. */
async function isIn(
  trx: Kysely<Database>,
  stepExecutionId: string,
  { to, set }: { readonly to: StepExecutionStatus; readonly set: Updateable<WorkflowStepExecutionsTable> },
): Promise<boolean> {
  const step = await trx
    .selectFrom('workflow_step_executions')
    .select(['status', 'attempt_number'])
    .where('id', '=', stepExecutionId)
    .executeTakeFirst();
  return step?.status === to && (set.attempt_number ?? step.attempt_number) === step.attempt_number;
}
