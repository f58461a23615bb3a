/** Lines of one stream, page by page in both directions. */
import { AwsError } from '../../contract/errors.ts';
import type { GetLogEventsInput, LogEvent } from '../../contract/log-operations.ts';
import { accountGroup } from '../../state/log-place.ts';
import type { LogAccount } from './log-account.ts';
import { BATCH, dateOf, eventOf, MOST_BYTES, MOST_EVENTS, refuseMissingStream } from './log-lines.ts';

/** The ends of a page in both directions. `f/7`: what comes after line 7. `b/7`: what comes before it. */
const TOKEN = /^([fb])\/(\d{1,18})$/;

/** Throws ResourceNotFoundException. At the end of a stream the token is the one that was given. */
export async function getLogEvents(
  account: LogAccount,
  input: GetLogEventsInput,
): Promise<{ events: readonly LogEvent[]; nextForwardToken: string; nextBackwardToken: string }> {
  const { logGroupName, logStreamName, startTime, endTime, limit = MOST_EVENTS } = input;
  const group = accountGroup(account.accountId, logGroupName);
  const [, direction = input.startFromHead === true ? 'f' : 'b', id] = readToken(input.nextToken);
  const forwards = direction === 'f';
  const lines = account.db
    .selectFrom('log_events')
    .select(['id', 'timestamp', 'message'])
    .where('log_group', '=', group)
    .where('log_stream', '=', logStreamName);
  await refuseMissingStream(account, group, logStreamName);
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
