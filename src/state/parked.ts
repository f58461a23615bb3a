import { type RawBuilder, sql } from 'kysely';

/**
 * `parked_until` of an image that a worker may take now. Not the time: between machines, and when a clock is put back, what
 * is now for one is still to come for another.
 */
export const AT_ONCE = new Date(0);

/** How long it is to a time, by the clock of the database. */
export function milliseconds(column: string): RawBuilder<number> {
  return sql<number>`(extract(epoch from ${sql.ref(column)} - now()) * 1000)::float8`;
}
