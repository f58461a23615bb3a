import { type Kysely, sql } from 'kysely';
import { type LoggedPipeline, pipelineLogPlace } from './log-place.ts';
import { storable } from './storable.ts';
import type { Database } from './tables.ts';

/**
 * Adds a line to a pipeline's log, in the transaction of what it tells. Lines of one stream are committed one after the
 * other, so that readers who go on from the last id miss none. To be the last thing in the transaction: whoever is about
 * to write waits for nothing else.
 */
export async function writePipelineLog(
  trx: Kysely<Database>,
  pipeline: LoggedPipeline,
  message: string,
  at: Date,
): Promise<void> {
  const { group, stream } = pipelineLogPlace(pipeline, at);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`kiln log ${group} ${stream}`}, 0))`.execute(trx);
  await trx
    .insertInto('log_events')
    .values({
      log_group: group,
      log_stream: stream,
      timestamp: at,
      step_name: null,
      source: 'kiln',
      message: storable(message),
    })
    .execute();
}
