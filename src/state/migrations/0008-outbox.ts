import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** Events and messages on their way, who wants them, and topics. */
export const outbox: Migration = {
  up: (db) =>
    runStatements(db, [
      `create table outbox (
        id bigint generated always as identity primary key,
        kind text not null check (kind in ('event', 'message')),
        uid uuid not null unique default gen_random_uuid(),
        about text not null,
        topic_arn text,
        body jsonb not null,
        created_at timestamptz(3) not null,
        dispatched_at timestamptz(3),
        check ((kind = 'message') = (topic_arn is not null))
      )`,
      `create index outbox_waiting on outbox (id) where dispatched_at is null`,
      `create index outbox_by_age on outbox (created_at)`,

      `create table deliveries (
        id bigint generated always as identity primary key,
        outbox_id bigint not null references outbox (id),
        route text not null,
        about text not null,
        attempts integer not null default 0,
        created_at timestamptz(3) not null,
        next_attempt_at timestamptz(3) not null,
        leased_until timestamptz(3),
        last_error text,
        dead_at timestamptz(3),
        unique (outbox_id, route)
      )`,
      `create index deliveries_in_order on deliveries (route, about, id) where dead_at is null`,
      `create index deliveries_due on deliveries (next_attempt_at) where dead_at is null`,
      `create index deliveries_dead on deliveries (id) where dead_at is not null`,

      `create table delivery_routes (
        route text primary key,
        failures integer not null,
        blocked_until timestamptz(3) not null
      )`,

      `create table rules (
        name text primary key,
        description text,
        pattern jsonb not null,
        enabled boolean not null,
        created_at timestamptz(3) not null
      )`,
      `create table rule_targets (
        rule_name text not null references rules (name) on delete cascade,
        id text not null,
        settings jsonb not null,
        primary key (rule_name, id)
      )`,

      `create table topics (
        arn text primary key,
        account_id text not null,
        region text not null,
        name text not null,
        created_at timestamptz(3) not null
      )`,
      `create table topic_subscriptions (
        seq bigint generated always as identity unique,
        arn text primary key,
        topic_arn text not null references topics (arn) on delete cascade,
        endpoint jsonb not null,
        created_at timestamptz(3) not null,
        unique (topic_arn, endpoint)
      )`,
    ]),
};
