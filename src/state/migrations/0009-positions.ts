import type { Migration } from 'kysely/migration';
import { runStatements } from './run-statements.ts';

/** Orders in which events and lines of a log group can be read on from where one stopped. */
export const positions: Migration = {
  up: (db) =>
    runStatements(db, [
      // Given by whoever dispatches, one after the other: ids of different images may be committed out of their order.
      `create sequence outbox_positions`,
      `alter table outbox add column position bigint unique`,
      `create index log_events_by_time on log_events (log_group, timestamp, id)`,
    ]),
};
