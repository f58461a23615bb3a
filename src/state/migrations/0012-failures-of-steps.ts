import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** What a step failed with, for whoever goes on with the build, and how long the steps of its documents took. */
export const failuresOfSteps: Migration = {
  up: (db) =>
    runStatements(db, [
      `alter table workflow_step_executions
        add column failure jsonb check (jsonb_typeof(failure) = 'object'),
        add column document_seconds jsonb check (jsonb_typeof(document_seconds) = 'object')`,
    ]),
};
