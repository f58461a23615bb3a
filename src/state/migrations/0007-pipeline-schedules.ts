import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** When pipelines run, and what a pipeline's image was started for and with. */
export const pipelineSchedules: Migration = {
  up: (db) =>
    runStatements(db, [
      `create table pipeline_schedules (
        pipeline_arn text primary key references resources (arn) on delete cascade,
        expression text not null,
        timezone text not null,
        since timestamptz(3) not null,
        next_slot timestamptz(3),
        due_slot timestamptz(3),
        not_before timestamptz(3),
        looked_at timestamptz(3) not null,
        consecutive_failures integer not null default 0 check (consecutive_failures >= 0),
        check ((due_slot is null) = (not_before is null))
      )`,
      `create index pipeline_schedules_by_slot on pipeline_schedules (next_slot) where next_slot is not null`,
      `create index pipeline_schedules_due on pipeline_schedules (not_before) where not_before is not null`,
      `create index pipeline_schedules_by_look on pipeline_schedules (looked_at)`,

      `alter table images add column schedule_slot timestamptz(3), add column dependencies jsonb`,
      // One execution per slot, whoever tries.
      `create unique index images_by_slot on images (source_pipeline_arn, schedule_slot)
        where schedule_slot is not null`,
    ]),
};
