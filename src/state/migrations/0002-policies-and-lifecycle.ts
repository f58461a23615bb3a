import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** Resource policies, and what is known of lifecycle executions. */
export const policiesAndLifecycle: Migration = {
  up: (db) =>
    runStatements(db, [
      `alter table resources add column policy text`,
      `alter table images
        add column policy text,
        add column deprecation_time timestamptz(3),
        add column lifecycle_execution_id text`,

      `create table lifecycle_executions (
        seq bigint generated always as identity unique,
        id text primary key,
        account_id text not null,
        region text not null,
        image_arn text not null,
        status text not null check (status in ('IN_PROGRESS', 'SUCCESS', 'FAILED')),
        reason text,
        action text not null check (action in ('AVAILABLE', 'DELETE', 'DEPRECATE', 'DISABLE')),
        previous_status text not null,
        started_at timestamptz(3) not null,
        ended_at timestamptz(3)
      )`,
      `create index lifecycle_executions_by_image on lifecycle_executions (image_arn, seq)`,
      // One at a time per image.
      `create unique index lifecycle_executions_running on lifecycle_executions (image_arn)
        where status = 'IN_PROGRESS'`,

      `create table lifecycle_execution_resources (
        lifecycle_execution_id text not null references lifecycle_executions (id) on delete cascade,
        position integer not null,
        ami_id text not null,
        status text not null check (status in ('IN_PROGRESS', 'SUCCESS', 'FAILED')),
        reason text,
        ended_at timestamptz(3),
        primary key (lifecycle_execution_id, position)
      )`,
    ]),
};
