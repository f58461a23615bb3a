import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** What the wildcards of an image's definitions meant when its build began. */
export const resolvedDefinitions: Migration = {
  up: (db) => runStatements(db, [`alter table images add column resolved jsonb`]),
};
