import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import { announceStatus } from './outbox/announce-status.ts';
import type { Database, EventsTable, ImageStatus, StepExecutionStatus } from './tables.ts';

export type EventRow = Selectable<EventsTable>;

/**
 * What happened to an image after the event `afterId` (`'0'` for all), oldest first. Ids of one image's events rise in
 * the order of their commits, because every writer holds the image's row: nobody who reads on from the last id misses one.
 */
export function readEvents(
  db: Kysely<Database>,
  { imageArn, afterId = '0', limit }: { readonly imageArn: string; readonly afterId?: string; readonly limit: number },
): Promise<EventRow[]> {
  return db
    .selectFrom('events')
    .selectAll()
    .where('image_arn', '=', imageArn)
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(limit)
    .execute();
}

/**
 * Records a new status of an image, in the transaction that set it, and tells everybody who is to know of it: rules, the
 * topic of the infrastructure configuration, the count of the pipeline. Every change of status comes by here.
 */
export async function writeImageEvent(
  trx: Kysely<Database>,
  imageArn: string,
  event: { readonly status: ImageStatus; readonly reason?: string | undefined },
  at: Date,
): Promise<void> {
  const before = await trx
    .selectFrom('events')
    .select(sql<ImageStatus>`detail ->> 'status'`.as('status'))
    .where('image_arn', '=', imageArn)
    .where('type', '=', 'image')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  await trx
    .insertInto('events')
    .values({ image_arn: imageArn, type: 'image', detail: JSON.stringify(event), created_at: at })
    .execute();
  await announceStatus(trx, { imageArn, before: before?.status, now: event.status, at });
}

/** Records that steps of an image came into this status, in the transaction that changed them and in their order. */
export async function writeStepEvents(
  trx: Kysely<Database>,
  stepExecutionIds: readonly string[],
  status: StepExecutionStatus,
  at: Date,
): Promise<void> {
  if (stepExecutionIds.length === 0) return;
  const steps = sql`with steps as (
    select * from workflow_step_executions where id in (${sql.join(stepExecutionIds)})
  )`;
  await sql`${steps} ${stepEvent('steps', status, at)}`.execute(trx);
}

/**
 * The statement that records the event of each row of a table of steps, in the order of their workflows. An ARN of a
 * workflow is `…:workflow/TYPE/SLUG/VERSION/BUILD`.
 */
export function stepEvent(table: string, status: StepExecutionStatus, at: Date): RawBuilder<unknown> {
  return sql`insert into events (image_arn, type, detail, created_at)
    select step.image_arn, 'step', jsonb_strip_nulls(jsonb_build_object(
      'workflow', coalesce(nullif(split_part(workflow.workflow_arn, '/', 3), ''), workflow.workflow_arn),
      'stepExecutionId', step.id, 'name', step.name, 'action', step.action, 'status', ${status}::text,
      'message', step.message, 'seconds', extract(epoch from
        -- A clock may have been put back meanwhile.
        case when step.ended_at < step.started_at then interval '0' else step.ended_at - step.started_at end)::float8
    )), ${at}::timestamptz
    from ${sql.table(table)} as step join workflow_executions as workflow on workflow.id = step.workflow_execution_id
    order by workflow.position, step.position`;
}
