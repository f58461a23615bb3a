/** Lines of one stream, page by page in both directions, and of a whole group by what they say. */
import { sql } from 'kysely';
import { AwsError } from '../../contract/errors.ts';
import type {
  FilteredLogEvent,
  FilterLogEventsInput,
  GetLogEventsInput,
  LogEvent,
} from '../../contract/log-operations.ts';
import { accountGroup } from '../../state/log-place.ts';
import { parseFilterPattern } from './filter-pattern.ts';
import type { LogAccount } from './log-account.ts';
import { noSuchGroup } from './log-lists.ts';

/** Source: API Reference, GetLogEvents: up to 10,000 events or 1 MB. */
const MOST = 10_000;
const MOST_BYTES = 1_048_576;
/** Lines may be long: so many are in memory at a time. */
const BATCH = 200;
/** Lines that one FilterLogEvents looks at; a page may have few events, or none, and still a token. */
const MOST_LOOKED_AT = 50_000;

/** The ends of a page in both directions. `f/7`: what comes after line 7. `b/7`: what comes before it. */
const TOKEN = /^([fb])\/(\d{1,18})$/;

/** Throws ResourceNotFoundException. At the end of a stream the token is the one that was given. */
export async function getLogEvents(
  account: LogAccount,
  input: GetLogEventsInput,
): Promise<{ events: readonly LogEvent[]; nextForwardToken: string; nextBackwardToken: string }> {
  const { logGroupName, logStreamName, startTime, endTime, limit = MOST } = input;
  const group = accountGroup(account.accountId, logGroupName);
  const [, direction = input.startFromHead === true ? 'f' : 'b', id] = readToken(input.nextToken);
  const forwards = direction === 'f';
  const lines = account.db
    .selectFrom('log_events')
    .select(['id', 'timestamp', 'message'])
    .where('log_group', '=', group)
    .where('log_stream', '=', logStreamName);
  if ((await lines.limit(1).executeTakeFirst()) === undefined) await refuseMissing(account, group);
  const page = await readPage(id, limit, (after, most) =>
    lines
      .$if(after !== undefined, (query) => query.where('id', forwards ? '>' : '<', after ?? '0'))
      .$if(startTime !== undefined, (query) => query.where('timestamp', '>=', dateOf(startTime ?? 0)))
      .$if(endTime !== undefined, (query) => query.where('timestamp', '<', dateOf(endTime ?? 0)))
      .orderBy('id', forwards ? 'asc' : 'desc')
      .limit(most)
      .execute(),
  );
  const events = forwards ? page : page.toReversed();
  const [first, last] = [events.at(0)?.id, events.at(-1)?.id];
  const here = BigInt(id ?? 0);
  return {
    events: events.map(eventOf),
    nextForwardToken: `f/${last ?? (forwards ? here : here > 0n ? here - 1n : 0n)}`,
    nextBackwardToken: `b/${first ?? (forwards ? here + 1n : here)}`,
  };
}

function readToken(token: string | undefined): readonly (string | undefined)[] {
  if (token === undefined) return [];
  const match = TOKEN.exec(token);
  if (match === null) throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
  return match;
}

/** Lines in the order of their times, from all streams that are asked for. Throws ResourceNotFoundException. */
export async function filterLogEvents(
  account: LogAccount,
  input: FilterLogEventsInput,
): Promise<{ events: readonly FilteredLogEvent[]; searchedLogStreams: readonly never[]; nextToken?: string }> {
  const { logStreamNames, logStreamNamePrefix, startTime, endTime, limit = MOST } = input;
  if (logStreamNames !== undefined && logStreamNamePrefix !== undefined) {
    throw new AwsError('InvalidParameterException', 'logStreamNames and logStreamNamePrefix exclude each other.');
  }
  const matches = parseFilterPattern(input.filterPattern ?? '');
  const group = accountGroup(account.accountId, input.logGroupName);
  await refuseMissingGroup(account, group);
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

/** Times after what a date can be are that. */
function dateOf(milliseconds: number): Date {
  return new Date(Math.min(milliseconds, Date.UTC(9999, 0, 1)));
}

async function refuseMissingGroup({ db }: LogAccount, group: string): Promise<void> {
  const any = await db.selectFrom('log_events').select('id').where('log_group', '=', group).limit(1).executeTakeFirst();
  if (any === undefined) throw noSuchGroup();
}

async function refuseMissing(account: LogAccount, group: string): Promise<never> {
  await refuseMissingGroup(account, group);
  throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
}

/** Lines until there are enough of them, or too many bytes; at least one if there is one. */
async function readPage(
  from: string | undefined,
  limit: number,
  read: (after: string | undefined, most: number) => Promise<readonly StoredLine[]>,
): Promise<readonly StoredLine[]> {
  const page: StoredLine[] = [];
  let size = 0;
  for (let after = from; page.length < limit; after = page.at(-1)?.id) {
    const rows = await read(after, Math.min(BATCH, limit - page.length));
    for (const row of rows) {
      size += row.message.length;
      if (page.length > 0 && size > MOST_BYTES) return page;
      page.push(row);
    }
    if (rows.length === 0) break;
  }
  return page;
}

interface StoredLine {
  readonly id: string;
  readonly timestamp: Date;
  readonly message: string;
}

/** Lines are stored at once, so they were taken in when they were said. */
function eventOf({ timestamp, message }: { readonly timestamp: Date; readonly message: string }): LogEvent {
  return { timestamp: timestamp.getTime(), message, ingestionTime: timestamp.getTime() };
}
