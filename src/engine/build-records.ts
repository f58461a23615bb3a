import type { Kysely } from 'kysely';
import type { Database } from '../state/tables.ts';

/** A workflow execution that runs, with the step that runs in it, if any. */
export interface RunningExecution {
  readonly workflowExecutionId: string;
  readonly workflowArn: string;
  readonly step: { readonly id: string; readonly name: string } | undefined;
}

/** The workflow executions of an image that have not ended, in their order. */
export async function runningExecutions(db: Kysely<Database>, imageArn: string): Promise<readonly RunningExecution[]> {
  const rows = await db
    .selectFrom('workflow_executions as workflow')
    .leftJoin('workflow_step_executions as step', (join) =>
      join.onRef('step.workflow_execution_id', '=', 'workflow.id').on('step.status', '=', 'RUNNING'),
    )
    .select(['workflow.id', 'workflow.workflow_arn', 'step.id as step_id', 'step.name as step_name'])
    .where('workflow.image_arn', '=', imageArn)
    .where('workflow.status', 'in', ['RUNNING', 'ROLLBACK_IN_PROGRESS'])
    .orderBy('workflow.position')
    .execute();
  return rows.map((row) => ({
    workflowExecutionId: row.id,
    workflowArn: row.workflow_arn,
    step: row.step_id === null || row.step_name === null ? undefined : { id: row.step_id, name: row.step_name },
  }));
}
