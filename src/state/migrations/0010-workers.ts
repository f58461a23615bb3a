import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** Workers with their heartbeats, the queue as a property of images, and what a build needs to go on after its worker. */
export const workers: Migration = {
  up: (db) =>
    runStatements(db, [
      `create table workers (
        id text primary key,
        place text not null,
        capacity jsonb not null check (jsonb_typeof(capacity) = 'object'),
        started_at timestamptz(3) not null default now(),
        heartbeat_at timestamptz(3) not null default now()
      )`,
      `alter table images
        add column queued_from timestamptz(3),
        add column place text,
        add column restarts integer not null default 0 check (restarts >= 0)`,
      `update images set queued_from = created_at where status = 'PENDING'`,
      `create index images_queued on images (seq) where queued_from is not null`,
      `create index images_being_built on images (worker_id)
        where status in ('CREATING', 'BUILDING', 'TESTING', 'DISTRIBUTING', 'INTEGRATING')`,

      `create table component_steps (
        step_execution_id text not null references workflow_step_executions (id) on delete cascade,
        document integer not null,
        phase text not null,
        step text not null,
        seq bigint generated always as identity,
        finished jsonb,
        primary key (step_execution_id, document, phase, step)
      )`,
    ]),
};
