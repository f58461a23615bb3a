import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** Whoever had a build before, until what they made is ended or somebody else's. */
export const predecessors: Migration = {
  up: (db) =>
    runStatements(db, [
      `alter table images add column predecessors jsonb not null default '[]'
        check (jsonb_typeof(predecessors) = 'array')`,
    ]),
};
