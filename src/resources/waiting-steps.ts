/** Steps that wait for somebody's decision, and the decision. */
import { AwsError, invalidParameter, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { answerStep } from '../state/transitions/answer-step.ts';
import { openWaits } from '../state/waiting-steps.ts';
import { changeOnce } from './idempotency.ts';
import { listPage } from './lists.ts';
import type { Service } from './service.ts';

/** The steps of the account that can be answered, those that have waited longest first. */
export async function listWaitingWorkflowSteps(
  service: Service,
  input: InputOf<'ListWaitingWorkflowSteps'>,
): Promise<OutputOf<'ListWaitingWorkflowSteps'>> {
  const { db, accountId, region } = service;
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListWaitingWorkflowSteps',
    read: (after, limit) => openWaits(db, { accountId, region, afterSeq: String(after?.[0] ?? 0), limit }),
    cursor: ({ seq }) => [seq],
    item: (step) => ({
      stepExecutionId: step.id,
      imageBuildVersionArn: step.image_arn,
      workflowExecutionId: step.workflow_execution_id,
      workflowBuildVersionArn: step.workflow_arn,
      name: step.name,
      action: step.action,
      startTime: step.since.toISOString(),
    }),
  });
  return { steps: items, ...next };
}

/**
 * RESUME completes the step, STOP fails it; the build goes on when a worker takes it. Refused for a step that is not there,
 * that is another image's, and that does not wait: of two who answer at once, the second one is refused.
 */
export async function sendWorkflowStepAction(
  service: Service,
  input: InputOf<'SendWorkflowStepAction'>,
): Promise<OutputOf<'SendWorkflowStepAction'>> {
  const { stepExecutionId, imageBuildVersionArn, action, reason } = input;
  return changeOnce(service, 'SendWorkflowStepAction', input, async (trx) => {
    const step = await trx
      .selectFrom('workflow_step_executions as step')
      .innerJoin('images as image', 'image.arn', 'step.image_arn')
      .leftJoin('waiting_steps as wait', 'wait.step_execution_id', 'step.id')
      .select(['step.image_arn', 'step.status', 'step.action', 'wait.action as answer'])
      .where('step.id', '=', stepExecutionId)
      .where('image.account_id', '=', service.accountId)
      .executeTakeFirst();
    if (step === undefined) throw notFound('stepExecutionId', stepExecutionId);
    if (step.image_arn !== imageBuildVersionArn) {
      throw invalidParameter('imageBuildVersionArn', `The step '${stepExecutionId}' belongs to another image.`);
    }
    const answer = { stepExecutionId, imageArn: imageBuildVersionArn, action, reason, at: service.clock.now() };
    if (!(await answerStep(trx, answer, service.jobs))) {
      const known = step.answer === null ? '' : ` that was answered with ${step.answer}`;
      throw new AwsError(
        'InvalidRequestException',
        `The step '${stepExecutionId}' does not wait for an action: it is a step ${step.action} in status ${step.status}${known}.`,
      );
    }
    return { stepExecutionId, imageBuildVersionArn };
  });
}
