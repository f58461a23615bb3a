/** Steps that wait for somebody's decision. The action that waits does not exist yet, so no step does. */
import { AwsError, invalidParameter, notFound } from '../contract/errors.ts';
import type { InputOf, OutputOf } from '../contract/operations.ts';
import { listPage } from './lists.ts';
import { NOTHING } from './owners.ts';
import type { Service } from './service.ts';

export async function listWaitingWorkflowSteps(
  service: Service,
  input: InputOf<'ListWaitingWorkflowSteps'>,
): Promise<OutputOf<'ListWaitingWorkflowSteps'>> {
  const { items, ...next } = await listPage(service, input, {
    operation: 'ListWaitingWorkflowSteps',
    ...NOTHING,
    item: (step: object) => step,
  });
  return { steps: items, ...next };
}

/** Refuses every step: one that is not there, one of another image, and one that does not wait. */
export async function sendWorkflowStepAction(
  service: Service,
  { stepExecutionId, imageBuildVersionArn }: InputOf<'SendWorkflowStepAction'>,
): Promise<OutputOf<'SendWorkflowStepAction'>> {
  const step = await service.db
    .selectFrom('workflow_step_executions')
    .select(['image_arn', 'status', 'action'])
    .where('id', '=', stepExecutionId)
    .executeTakeFirst();
  if (step === undefined) throw notFound('stepExecutionId', stepExecutionId);
  if (step.image_arn !== imageBuildVersionArn) {
    throw invalidParameter('imageBuildVersionArn', `The step '${stepExecutionId}' belongs to another image.`);
  }
  throw new AwsError(
    'InvalidRequestException',
    `The step '${stepExecutionId}' does not wait for an action: it is a step ${step.action} in status ${step.status}.`,
  );
}
