import { type Kysely, sql } from 'kysely';
import type { Database } from './tables.ts';

export interface Wait {
  /** By the clock of the database, as whoever answers is judged. */
  readonly isOver: boolean;
  readonly action: 'RESUME' | 'STOP' | null;
  readonly reason: string | null;
  readonly notified_at: Date | null;
}

/** How a step waits, or what it was told; undefined when it has not begun to. */
export function findWait(db: Kysely<Database>, stepExecutionId: string): Promise<Wait | undefined> {
  return db
    .selectFrom('waiting_steps')
    .select(['action', 'reason', 'notified_at', sql<boolean>`deadline <= now()`.as('isOver')])
    .where('step_execution_id', '=', stepExecutionId)
    .executeTakeFirst();
}

/** The steps of an account and Region that can be answered, longest waiting first, after the one with `afterSeq`. */
export function openWaits(
  db: Kysely<Database>,
  {
    accountId,
    region,
    afterSeq,
    limit,
  }: {
    readonly accountId: string;
    readonly region: string;
    readonly afterSeq: string;
    readonly limit: number;
  },
) {
  return db
    .selectFrom('waiting_steps as wait')
    .innerJoin('workflow_step_executions as step', 'step.id', 'wait.step_execution_id')
    .innerJoin('workflow_executions as workflow', 'workflow.id', 'step.workflow_execution_id')
    .innerJoin('images as image', 'image.arn', 'wait.image_arn')
    .select(['wait.seq', 'wait.since', 'step.id', 'step.name', 'step.action', 'step.workflow_execution_id'])
    .select(['workflow.workflow_arn', 'wait.image_arn'])
    .where('image.account_id', '=', accountId)
    .where('image.region', '=', region)
    .where('image.cancel_requested_at', 'is', null)
    .where('wait.action', 'is', null)
    .where('wait.deadline', '>', sql<Date>`now()`)
    .where('step.status', '=', 'RUNNING')
    .where('wait.seq', '>', afterSeq)
    .orderBy('wait.seq')
    .limit(limit)
    .execute();
}
