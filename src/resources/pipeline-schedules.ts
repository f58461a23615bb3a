/** A pipeline's schedule: checked, with AWS's defaults, and kept where the scheduler looks. */
import type { Schedule as AwsSchedule } from '@aws-sdk/client-imagebuilder';
import type { Kysely, Transaction } from 'kysely';
import { invalidParameter } from '../contract/errors.ts';
import type { Partly } from '../contract/operations.ts';
import { InvalidScheduleError } from '../schedule/invalid-schedule.ts';
import { parseSchedule, type Schedule } from '../schedule/schedule.ts';
import type { Database } from '../state/tables.ts';
import type { RequestProblems } from './request-problems.ts';

/** Source: API Reference, Schedule. */
export const DEFAULT_START_CONDITION = 'EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE';
const DEFAULT_TIMEZONE = 'UTC';

/** Reports an expression or time zone that cannot be. */
export function checkSchedule(schedule: Partly<AwsSchedule> | undefined, since: Date, problems: RequestProblems): void {
  if (schedule !== undefined) problems.attempt(() => readSchedule(schedule, since));
}

/** As it is stored and answered. */
export function withScheduleDefaults(schedule: AwsSchedule | undefined): AwsSchedule | undefined {
  if (schedule === undefined) return undefined;
  return {
    ...schedule,
    timezone: schedule.timezone ?? DEFAULT_TIMEZONE,
    pipelineExecutionStartCondition: schedule.pipelineExecutionStartCondition ?? DEFAULT_START_CONDITION,
  };
}

function readSchedule({ scheduleExpression, timezone }: Partly<AwsSchedule>, since: Date): Schedule {
  if (scheduleExpression === undefined) throw invalidParameter('schedule.scheduleExpression', 'It is required.');
  try {
    return parseSchedule({ expression: scheduleExpression, timezone, since });
  } catch (error) {
    if (error instanceof InvalidScheduleError) throw invalidParameter('schedule', error.message);
    throw error;
  }
}

export interface ScheduledPipeline {
  readonly arn: string;
  readonly schedule: AwsSchedule | undefined;
  readonly enabled: boolean;
  readonly createdAt: Date;
}

/** Begins anew, in the transaction that changed the pipeline: slots that came before are not made up for. */
export async function keepSchedule(trx: Transaction<Database>, pipeline: ScheduledPipeline, now: Date): Promise<void> {
  const { arn, schedule, enabled, createdAt } = pipeline;
  if (schedule?.scheduleExpression === undefined) {
    await trx.deleteFrom('pipeline_schedules').where('pipeline_arn', '=', arn).execute();
    return;
  }
  const row = {
    expression: schedule.scheduleExpression,
    timezone: schedule.timezone ?? DEFAULT_TIMEZONE,
    since: createdAt,
    next_slot: enabled ? (readSchedule(schedule, createdAt).next(now) ?? null) : null,
    due_slot: null,
    not_before: null,
    looked_at: now,
    consecutive_failures: 0,
  };
  await trx
    .insertInto('pipeline_schedules')
    .values({ pipeline_arn: arn, ...row })
    .onConflict((conflict) => conflict.column('pipeline_arn').doUpdateSet(row))
    .execute();
}

/** What Get and List say of the schedule beside the schedule itself. */
export async function describedSchedule(
  db: Kysely<Database>,
  pipelineArn: string,
): Promise<{ consecutiveFailures: number; dateNextRun?: string }> {
  const row = await db
    .selectFrom('pipeline_schedules')
    .select(['consecutive_failures', 'next_slot', 'due_slot'])
    .where('pipeline_arn', '=', pipelineArn)
    .executeTakeFirst();
  const next = row?.due_slot ?? row?.next_slot ?? undefined;
  return {
    consecutiveFailures: row?.consecutive_failures ?? 0,
    ...(next === undefined ? {} : { dateNextRun: next.toISOString() }),
  };
}
