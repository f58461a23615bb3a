import { type Kysely, sql } from 'kysely';
import { DETAIL_TYPES, publishEvent } from '../outbox/publish-event.ts';
import { writePipelineLog } from '../pipeline-log.ts';
import type { Database } from '../tables.ts';

export interface PipelineRun {
  readonly pipelineArn: string;
  readonly outcome: 'SUCCEEDED' | 'FAILED';
  /** Whether its schedule started it: others' failures do not count. */
  readonly scheduled: boolean;
  readonly at: Date;
}

/** Failures in a row after which a pipeline without a policy of its own is disabled. Source: API Reference, AutoDisablePolicy. */
const DEFAULT_FAILURE_COUNT = 5;

/**
 * Counts an execution that ended, in the transaction that ended it: a success makes the count 0, a failure of a scheduled
 * one adds to it. At the count of its policy the pipeline becomes DISABLED, its schedule stops, and an event tells of it.
 * A pipeline without a schedule, or that is gone, has no count.
 */
export async function countPipelineRun(trx: Kysely<Database>, run: PipelineRun): Promise<void> {
  const { pipelineArn, outcome, scheduled, at } = run;
  if (outcome === 'FAILED' && !scheduled) return;
  // First the pipeline, then its schedule: as whoever updates it.
  const pipeline = await trx
    .selectFrom('resources')
    .select(['name', 'account_id', 'document'])
    .where('arn', '=', pipelineArn)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (pipeline === undefined) return;
  const counted = await trx
    .updateTable('pipeline_schedules')
    .set({ consecutive_failures: outcome === 'SUCCEEDED' ? 0 : sql`consecutive_failures + 1` })
    .where('pipeline_arn', '=', pipelineArn)
    .returning('consecutive_failures')
    .executeTakeFirst();
  const { status, schedule, loggingConfiguration } = pipeline.document as PipelineDocument;
  const most = schedule?.autoDisablePolicy?.failureCount ?? DEFAULT_FAILURE_COUNT;
  if (counted === undefined || counted.consecutive_failures < most || status !== 'ENABLED') return;
  await trx
    .updateTable('resources')
    .set({ document: sql`jsonb_set(document, '{status}', '"DISABLED"')` })
    .where('arn', '=', pipelineArn)
    .execute();
  await trx
    .updateTable('pipeline_schedules')
    .set({ next_slot: null, due_slot: null, not_before: null })
    .where('pipeline_arn', '=', pipelineArn)
    .execute();
  const failures = String(counted.consecutive_failures);
  await publishEvent(trx, {
    detailType: DETAIL_TYPES.pipelineDisabled,
    resources: [pipelineArn],
    detail: { 'consecutive-failures': failures },
    at,
  });
  const groupName = loggingConfiguration?.pipelineLogGroupName;
  const place = { accountId: pipeline.account_id, name: pipeline.name, groupName };
  const message = `The pipeline is DISABLED: ${failures} scheduled executions in a row failed. UpdateImagePipeline with status ENABLED starts its schedule again.`;
  await writePipelineLog(trx, place, message, at);
}

interface PipelineDocument {
  readonly status?: string;
  readonly schedule?: { readonly autoDisablePolicy?: { readonly failureCount?: number } };
  readonly loggingConfiguration?: { readonly pipelineLogGroupName?: string };
}
