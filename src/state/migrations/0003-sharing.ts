import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/**
 * Several accounts in one installation: with whom a resource is shared, and logs that are each account's own. The
 * accounts of policies that are there are every number in them that could be one, since they only preselect.
 */
export const sharing: Migration = {
  up: (db) =>
    runStatements(db, [
      ...['resources', 'images'].flatMap((table) => [
        `alter table ${table} add column shared_with text[] not null default '{}'`,
        `update ${table} set shared_with =
          array(select distinct found[1] from regexp_matches(policy, '[0-9]{12}', 'g') found)
          where policy is not null`,
        `create index ${table}_shared on ${table} using gin (shared_with) where shared_with <> '{}'`,
      ]),
      `update log_events set log_group = images.account_id || ':' || log_group
        from images
        where log_group = '/aws/imagebuilder/' || images.name
        and log_stream = images.version || '/' || images.build`,
    ]),
};
