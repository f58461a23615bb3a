import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** Workflows that somebody chose for an image, builds that nobody works on for a while, and steps that wait for people. */
export const customWorkflows: Migration = {
  up: (db) =>
    runStatements(db, [
      `alter table images
        add column workflows jsonb check (jsonb_typeof(workflows) = 'array'),
        add column execution_role text,
        add column parked_until timestamptz(3)`,
      `create index images_parked on images (parked_until) where parked_until is not null`,
      `alter table workflow_executions add column retried boolean not null default false`,

      `create table waiting_steps (
        seq bigint generated always as identity unique,
        step_execution_id text primary key references workflow_step_executions (id) on delete cascade,
        image_arn text not null references images (arn) on delete cascade,
        since timestamptz(3) not null,
        deadline timestamptz(3) not null,
        action text check (action in ('RESUME', 'STOP')),
        reason text,
        answered_at timestamptz(3),
        notified_at timestamptz(3),
        check ((action is null) = (answered_at is null))
      )`,
      `create index waiting_steps_by_image on waiting_steps (image_arn)`,
      `create index waiting_steps_open on waiting_steps (seq) where action is null`,
    ]),
};
