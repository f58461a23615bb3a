import { type Kysely, sql } from 'kysely';
import { publishStepWaiting } from '../outbox/publish-event.ts';
import { publishMessage } from '../outbox/publish-message.ts';
import type { Database } from '../tables.ts';
import { changeClaimed, type ImageClaim } from './claim.ts';

export interface BeginWaiting {
  readonly stepExecutionId: string;
  readonly since: Date;
  /** How long somebody can answer, by the clock of the database: a clock that jumps ends no wait. */
  readonly seconds: number;
  /** For the topic, if there is one. */
  readonly message: string;
  readonly topicArn: string | undefined;
}

/**
 * A RUNNING step begins to wait for RESUME or STOP; the event and the message to its topic commit with it. A second attempt
 * of the step waits anew, whatever the first one was told. Throws ClaimLostError.
 */
export function beginWaiting(db: Kysely<Database>, claim: ImageClaim, wait: BeginWaiting): Promise<void> {
  const { stepExecutionId, since: at, topicArn, message } = wait;
  const { imageArn } = claim;
  const begin = async (trx: Kysely<Database>): Promise<void> => {
    await trx.deleteFrom('waiting_steps').where('step_execution_id', '=', stepExecutionId).execute();
    await trx
      .insertInto('waiting_steps')
      .values({
        ...{ step_execution_id: stepExecutionId, image_arn: imageArn, since: at },
        deadline: sql<Date>`now() + ${wait.seconds}::float8 * interval '1 second'`,
        ...{ action: null, reason: null, answered_at: null, notified_at: null },
      })
      .execute();
    const step = await trx
      .selectFrom('workflow_step_executions as step')
      .innerJoin('workflow_executions as workflow', 'workflow.id', 'step.workflow_execution_id')
      .select(['step.name', 'workflow.id', 'workflow.workflow_arn'])
      .where('step.id', '=', stepExecutionId)
      .executeTakeFirstOrThrow();
    await publishStepWaiting(trx, {
      ...{ imageArn, stepExecutionId, at, workflowArn: step.workflow_arn },
      ...{ workflowExecutionId: step.id, stepName: step.name },
    });
    if (topicArn === undefined) return;
    const subject = `EC2 Image Builder: step ${step.name} waits for an action`;
    await publishMessage(trx, { topicArn, about: imageArn, subject, message, at });
  };
  // Somebody may have answered since an earlier try came through: that is not to be forgotten.
  return changeClaimed(db, claim, begin, async (trx) => {
    const { rows } = await sql`select from waiting_steps
      where step_execution_id = ${stepExecutionId} and since = ${at}`.execute(trx);
    return rows.length > 0;
  });
}
