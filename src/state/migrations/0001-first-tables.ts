import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** Definitions, builds and their records, as tables.ts describes them. */
export const firstTables: Migration = {
  up: (db) =>
    runStatements(db, [
      `create table resources (
        seq bigint generated always as identity unique,
        arn text primary key,
        kind text not null check (kind in (
          'component', 'image-recipe', 'container-recipe', 'infrastructure-configuration',
          'distribution-configuration', 'image-pipeline', 'lifecycle-policy', 'workflow')),
        account_id text not null,
        region text not null,
        name text not null,
        slug text not null,
        major integer,
        minor integer,
        patch integer,
        build integer check (build >= 1),
        version text,
        document jsonb not null check (jsonb_typeof(document) = 'object'),
        tags jsonb not null check (jsonb_typeof(tags) = 'object'),
        created_at timestamptz(3) not null,
        updated_at timestamptz(3),
        check (num_nonnulls(major, minor, patch, version) in (0, 4)),
        check (build is null or major is not null)
      )`,
      // One resource per name where there are no versions, one per version or build where there are.
      `create unique index resources_identity on resources
        (kind, account_id, region, slug, major, minor, patch, build) nulls not distinct`,
      `create index resources_by_kind on resources (kind, seq)`,

      `create table resource_references (
        from_arn text not null references resources (arn) on delete cascade deferrable initially deferred,
        to_arn text not null,
        primary key (from_arn, to_arn)
      )`,
      `create index resource_references_by_target on resource_references (to_arn)`,

      `create table build_numbers (
        kind text not null,
        account_id text not null,
        region text not null,
        slug text not null,
        major integer not null,
        minor integer not null,
        patch integer not null,
        last_build integer not null check (last_build >= 1),
        primary key (kind, account_id, region, slug, major, minor, patch)
      )`,

      `create table client_tokens (
        account_id text not null,
        operation text not null,
        token text not null,
        parameters_hash text not null,
        response jsonb not null,
        created_at timestamptz(3) not null,
        primary key (account_id, operation, token)
      )`,
      `create index client_tokens_by_age on client_tokens (created_at)`,

      `create table images (
        seq bigint generated always as identity unique,
        arn text primary key,
        account_id text not null,
        region text not null,
        name text not null,
        slug text not null,
        major integer not null,
        minor integer not null,
        patch integer not null,
        build integer not null check (build >= 1),
        version text not null,
        status text not null check (status in (
          'PENDING', 'CREATING', 'BUILDING', 'TESTING', 'DISTRIBUTING', 'INTEGRATING',
          'AVAILABLE', 'CANCELLED', 'FAILED', 'DEPRECATED', 'DELETED', 'DISABLED')),
        reason text,
        failure_context jsonb,
        build_type text not null check (build_type in ('USER_INITIATED', 'SCHEDULED', 'IMPORT', 'IMPORT_ISO')),
        platform text not null check (platform in ('Linux', 'Windows', 'macOS')),
        os_version text,
        image_recipe jsonb not null,
        infrastructure_configuration jsonb not null,
        distribution_configuration jsonb,
        image_tests_configuration jsonb not null,
        enhanced_image_metadata_enabled boolean not null,
        source_pipeline_arn text,
        source_pipeline_name text,
        logging_configuration jsonb,
        output_resources jsonb not null,
        tags jsonb not null check (jsonb_typeof(tags) = 'object'),
        cancel_requested_at timestamptz(3),
        worker_id text,
        epoch integer not null check (epoch >= 0),
        created_at timestamptz(3) not null,
        started_at timestamptz(3),
        ended_at timestamptz(3),
        unique (account_id, region, slug, major, minor, patch, build)
      )`,
      `create index images_by_status on images (status, seq)`,
      `create index images_by_pipeline on images (source_pipeline_arn, seq) where source_pipeline_arn is not null`,

      `create table image_packages (
        image_arn text not null references images (arn) on delete cascade,
        position integer not null,
        package_name text not null,
        package_version text not null,
        primary key (image_arn, position)
      )`,

      `create table workflow_executions (
        id text primary key,
        image_arn text not null references images (arn) on delete cascade,
        workflow_arn text not null,
        type text not null check (type in ('BUILD', 'TEST', 'DISTRIBUTION')),
        status text not null check (status in (
          'PENDING', 'SKIPPED', 'RUNNING', 'COMPLETED', 'FAILED',
          'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETED', 'CANCELLED')),
        message text,
        total_step_count integer not null check (total_step_count >= 0),
        position integer not null,
        parallel_group text,
        started_at timestamptz(3),
        ended_at timestamptz(3),
        unique (image_arn, position)
      )`,

      `create table workflow_step_executions (
        id text primary key,
        workflow_execution_id text not null references workflow_executions (id) on delete cascade,
        image_arn text not null references images (arn) on delete cascade,
        name text not null,
        description text,
        action text not null,
        status text not null check (status in ('PENDING', 'SKIPPED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')),
        rollback_status text check (rollback_status in ('RUNNING', 'COMPLETED', 'SKIPPED', 'FAILED')),
        message text,
        inputs jsonb not null,
        outputs jsonb,
        on_failure text not null check (on_failure in ('Abort', 'Continue')),
        timeout_seconds integer not null check (timeout_seconds >= 0),
        attempt_number integer not null,
        max_attempts integer not null,
        position integer not null,
        started_at timestamptz(3),
        ended_at timestamptz(3),
        unique (workflow_execution_id, position)
      )`,
      `create index workflow_step_executions_by_image on workflow_step_executions (image_arn)`,

      `create table events (
        id bigint generated always as identity primary key,
        image_arn text not null references images (arn) on delete cascade,
        type text not null check (type in ('image', 'step')),
        detail jsonb not null,
        created_at timestamptz(3) not null
      )`,
      `create index events_by_image on events (image_arn, id)`,

      `create table log_events (
        id bigint generated always as identity primary key,
        log_group text not null,
        log_stream text not null,
        timestamp timestamptz(3) not null,
        step_name text,
        source text not null check (source in ('stdout', 'stderr', 'console', 'kiln')),
        message text not null
      )`,
      `create index log_events_by_stream on log_events (log_group, log_stream, id)`,
    ]),
};
