/** Lines of a whole group by when they were said and what they say. */
import { sql } from 'kysely';
import { AwsError } from '../../contract/errors.ts';
import type { FilteredLogEvent, FilterLogEventsInput } from '../../contract/log-operations.ts';
import { accountGroup } from '../../state/log-place.ts';
import { parseFilterPattern } from './filter-pattern.ts';
import type { LogAccount } from './log-account.ts';
import {
  BATCH,
  dateOf,
  eventOf,
  MOST_BYTES,
  MOST_EVENTS,
  refuseMissingGroup,
  refuseMissingStream,
} from './log-lines.ts';

/** Lines that one FilterLogEvents looks at; a page may have few events, or none, and still a token. */
const MOST_LOOKED_AT = 50_000;

/** Lines in the order of their times, from all streams that are asked for. Throws ResourceNotFoundException. */
export async function filterLogEvents(
  account: LogAccount,
  input: FilterLogEventsInput,
): Promise<{ events: readonly FilteredLogEvent[]; searchedLogStreams: readonly never[]; nextToken?: string }> {
  const { logStreamNames, logStreamNamePrefix, startTime, endTime, limit = MOST_EVENTS } = input;
  if (logStreamNames !== undefined && logStreamNamePrefix !== undefined) {
    throw new AwsError('InvalidParameterException', 'logStreamNames and logStreamNamePrefix exclude each other.');
  }
  const matches = parseFilterPattern(input.filterPattern ?? '');
  const group = accountGroup(account.accountId, input.logGroupName);
  if (logStreamNames === undefined) await refuseMissingGroup(account, group);
  for (const stream of logStreamNames ?? []) await refuseMissingStream(account, group, stream);
  let after = readPosition(input.nextToken);
  const found: FilteredLogEvent[] = [];
  let size = 0;
  for (let looked = 0; ; ) {
    const rows = await account.db
      .selectFrom('log_events')
      .select(['id', 'timestamp', 'message', 'log_stream'])
      .where('log_group', '=', group)
      .$if(logStreamNames !== undefined, (query) => query.where('log_stream', 'in', logStreamNames ?? []))
      .$if(logStreamNamePrefix !== undefined, (query) => query.where('log_stream', '^@', logStreamNamePrefix ?? ''))
      .$if(startTime !== undefined, (query) => query.where('timestamp', '>=', dateOf(startTime ?? 0)))
      .$if(endTime !== undefined, (query) => query.where('timestamp', '<=', dateOf(endTime ?? 0)))
      .where(sql<boolean>`(timestamp, id) > (${after.at}::timestamptz, ${after.id}::bigint)`)
      .orderBy('timestamp')
      .orderBy('id')
      .limit(BATCH)
      .execute();
    for (const row of rows) {
      if (found.length >= limit || size >= MOST_BYTES)
        return { events: found, ...NOTHING_SEARCHED, nextToken: tokenOf(after) };
      after = { at: row.timestamp, id: row.id };
      if (!matches(row.message)) continue;
      size += row.message.length;
      found.push({ ...eventOf(row), logStreamName: row.log_stream, eventId: row.id.padStart(20, '0') });
    }
    looked += rows.length;
    if (rows.length < BATCH) return { events: found, ...NOTHING_SEARCHED };
    if (looked >= MOST_LOOKED_AT) return { events: found, ...NOTHING_SEARCHED, nextToken: tokenOf(after) };
  }
}

/** AWS fills it no more. */
const NOTHING_SEARCHED = { searchedLogStreams: [] } as const;

interface Position {
  readonly at: Date;
  readonly id: string;
}

function tokenOf({ at, id }: Position): string {
  return `${at.getTime()}/${id}`;
}

function readPosition(token: string | undefined): Position {
  if (token === undefined) return { at: new Date(0), id: '0' };
  const [, at, id] = /^(\d{1,15})\/(\d{1,18})$/.exec(token) ?? [];
  if (at === undefined || id === undefined) {
    throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
  }
  return { at: dateOf(Number(at)), id };
}
