/** The records of what a build did: its workflows and their steps. */
import type { Selectable } from 'kysely';
import { notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { findImage } from '../state/find-resource.ts';
import { type StepTotals, stepTotals } from '../state/step-totals.ts';
import type { WorkflowExecutionsTable, WorkflowStepExecutionsTable } from '../state/tables.ts';
import { listPage } from './lists.ts';
import type { Service } from './service.ts';

type Execution = Selectable<WorkflowExecutionsTable> & { readonly totals: StepTotals | undefined };
type Step = Selectable<WorkflowStepExecutionsTable>;

export async function listWorkflowExecutions(
  service: Service,
  input: InputOf<'ListWorkflowExecutions'>,
): Promise<OutputOf<'ListWorkflowExecutions'>> {
  const { imageBuildVersionArn } = input;
  const image = await findImage(service.db, imageBuildVersionArn);
  if (image === undefined) throw notFound('imageBuildVersionArn', imageBuildVersionArn);
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListWorkflowExecutions',
    read: async (after, limit) => {
      const rows = await service.db
        .selectFrom('workflow_executions')
        .selectAll()
        .where('image_arn', '=', imageBuildVersionArn)
        .where('position', '>', Number(after?.[0] ?? -1))
        .orderBy('position')
        .limit(limit)
        .execute();
      return withTotals(service, rows);
    },
    cursor: (execution) => [execution.position],
    item: describedExecution,
  });
  return {
    workflowExecutions: items,
    imageBuildVersionArn,
    ...(image.reason === null ? {} : { message: image.reason }),
    ...next,
  };
}

export async function getWorkflowExecution(
  service: Service,
  input: InputOf<'GetWorkflowExecution'>,
): Promise<OutputOf<'GetWorkflowExecution'>> {
  const execution = await findExecution(service, input.workflowExecutionId);
  return { ...describedExecution(execution), imageBuildVersionArn: execution.image_arn };
}

export async function listWorkflowStepExecutions(
  service: Service,
  input: InputOf<'ListWorkflowStepExecutions'>,
): Promise<OutputOf<'ListWorkflowStepExecutions'>> {
  const execution = await findExecution(service, input.workflowExecutionId);
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListWorkflowStepExecutions',
    read: (after, limit) =>
      service.db
        .selectFrom('workflow_step_executions')
        .selectAll()
        .where('workflow_execution_id', '=', execution.id)
        .where('position', '>', Number(after?.[0] ?? -1))
        .orderBy('position')
        .limit(limit)
        .execute(),
    cursor: (step) => [step.position],
    item: describedStep,
  });
  return {
    steps: items,
    workflowBuildVersionArn: execution.workflow_arn,
    workflowExecutionId: execution.id,
    imageBuildVersionArn: execution.image_arn,
    ...messageOf(execution.message),
    ...next,
  };
}

export async function getWorkflowStepExecution(
  service: Service,
  input: InputOf<'GetWorkflowStepExecution'>,
): Promise<OutputOf<'GetWorkflowStepExecution'>> {
  const { stepExecutionId } = input;
  const step = await service.db
    .selectFrom('workflow_step_executions')
    .innerJoin('workflow_executions', 'workflow_executions.id', 'workflow_execution_id')
    .selectAll('workflow_step_executions')
    .select('workflow_arn')
    .where('workflow_step_executions.id', '=', stepExecutionId)
    .where('workflow_step_executions.image_arn', 'in', ownImages(service))
    .executeTakeFirst();
  if (step === undefined) throw notFound('stepExecutionId', stepExecutionId);
  return {
    ...describedStep(step),
    workflowBuildVersionArn: step.workflow_arn,
    workflowExecutionId: step.workflow_execution_id,
    imageBuildVersionArn: step.image_arn,
    onFailure: step.on_failure,
    timeoutSeconds: step.timeout_seconds,
  };
}

async function findExecution(service: Service, id: string): Promise<Execution> {
  const rows = await service.db
    .selectFrom('workflow_executions')
    .selectAll()
    .where('id', '=', id)
    .where('image_arn', 'in', ownImages(service))
    .execute();
  const [execution] = await withTotals(service, rows);
  if (execution === undefined) throw notFound('workflowExecutionId', id);
  return execution;
}

/** Ids do not say whose they are, as ARNs do. */
function ownImages({ db, accountId }: Service) {
  return db.selectFrom('images').select('arn').where('account_id', '=', accountId);
}

async function withTotals(
  service: Service,
  rows: readonly Selectable<WorkflowExecutionsTable>[],
): Promise<Execution[]> {
  const totals = await stepTotals(
    service.db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({ ...row, totals: totals.get(row.id) }));
}

function describedExecution(execution: Execution) {
  return {
    workflowBuildVersionArn: execution.workflow_arn,
    workflowExecutionId: execution.id,
    type: execution.type,
    status: execution.status,
    ...messageOf(execution.message),
    totalStepCount: execution.total_step_count,
    totalStepsSucceeded: execution.totals?.succeeded ?? 0,
    totalStepsFailed: execution.totals?.failed ?? 0,
    totalStepsSkipped: execution.totals?.skipped ?? 0,
    ...times(execution),
    ...(execution.parallel_group === null ? {} : { parallelGroup: execution.parallel_group }),
    ...(execution.retried ? { retried: true } : {}),
  };
}

function describedStep(step: Step) {
  return {
    stepExecutionId: step.id,
    name: step.name,
    ...(step.description === null ? {} : { description: step.description }),
    action: step.action,
    status: step.status,
    ...(step.rollback_status === null ? {} : { rollbackStatus: step.rollback_status }),
    ...messageOf(step.message),
    inputs: JSON.stringify(step.inputs),
    ...(step.outputs === null ? {} : { outputs: JSON.stringify(step.outputs) }),
    ...times(step),
    // The model's numbers begin at 1; a step that has not begun has no attempt.
    ...(step.attempt_number === 0 ? {} : { attemptNumber: step.attempt_number }),
    maxAttempts: step.max_attempts,
  };
}

function messageOf(text: string | null): { message?: string } {
  return text === null ? {} : { message: text };
}

function times(record: { started_at: Date | null; ended_at: Date | null }): { startTime?: string; endTime?: string } {
  return {
    ...(record.started_at === null ? {} : { startTime: record.started_at.toISOString() }),
    ...(record.ended_at === null ? {} : { endTime: record.ended_at.toISOString() }),
  };
}
