/** The groups and streams that there are. There is no table of them: the index of the lines is walked from name to name. */
import { type Kysely, sql } from 'kysely';
import { AwsError } from '../../contract/errors.ts';
import type {
  DescribeLogGroupsInput,
  DescribeLogStreamsInput,
  LogGroup,
  LogStream,
} from '../../contract/log-operations.ts';
import { accountGroup } from '../../state/log-place.ts';
import type { Database } from '../../state/tables.ts';
import { type LogAccount, logGroupArn } from './log-account.ts';
import { noSuchGroup } from './log-lines.ts';

const MOST = 50;

/** In order of their names. */
export async function describeLogGroups(
  account: LogAccount,
  input: DescribeLogGroupsInput,
): Promise<{ logGroups: readonly LogGroup[]; nextToken?: string }> {
  const { logGroupNamePrefix: prefix = '', logGroupNamePattern: pattern = '', limit = MOST } = input;
  if (prefix !== '' && pattern !== '') {
    throw new AwsError('InvalidParameterException', 'logGroupNamePrefix and logGroupNamePattern exclude each other.');
  }
  const own = accountGroup(account.accountId, '');
  const names = (await groupNames(account.db, own, `${own}${prefix}`)).map((name) => name.slice(own.length));
  const after = input.nextToken ?? '';
  const found = names.filter((name) => name.toLowerCase().includes(pattern.toLowerCase()) && name > after).sort();
  const page = found.slice(0, limit);
  const logGroups = await Promise.all(page.map((name) => describeGroup(account, name)));
  return { logGroups, ...nextOf(page, found) };
}

async function describeGroup(account: LogAccount, name: string): Promise<LogGroup> {
  const first = await account.db
    .selectFrom('log_events')
    .select('timestamp')
    .where('log_group', '=', accountGroup(account.accountId, name))
    .orderBy('timestamp')
    .limit(1)
    .executeTakeFirst();
  const arn = logGroupArn(account, name);
  return {
    logGroupName: name,
    creationTime: first?.timestamp.getTime() ?? 0,
    arn: `${arn}:*`,
    logGroupArn: arn,
    logGroupClass: 'STANDARD',
  };
}

/** Throws ResourceNotFoundException. */
export async function describeLogStreams(
  account: LogAccount,
  input: DescribeLogStreamsInput,
): Promise<{ logStreams: readonly LogStream[]; nextToken?: string }> {
  const { logGroupName, logStreamNamePrefix: prefix = '', orderBy = 'LogStreamName', descending = false } = input;
  const byTime = orderBy === 'LastEventTime';
  if (byTime && prefix !== '') {
    throw new AwsError('InvalidParameterException', 'Cannot order by LastEventTime with a logStreamNamePrefix.');
  }
  const group = accountGroup(account.accountId, logGroupName);
  const all = await streamsOf(account.db, group);
  if (all.length === 0) throw noSuchGroup();
  const keyed = all
    .filter(({ name }) => name.startsWith(prefix))
    .map((stream) => ({
      ...stream,
      key: byTime ? `${String(stream.last).padStart(16, '0')} ${stream.name}` : stream.name,
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1) * (descending ? -1 : 1));
  const after = input.nextToken;
  const found = keyed.filter(({ key }) => after === undefined || (descending ? key < after : key > after));
  const page = found.slice(0, input.limit ?? MOST);
  const arn = logGroupArn(account, logGroupName);
  const logStreams = page.map(({ name, first, last }) => ({
    logStreamName: name,
    creationTime: first,
    firstEventTimestamp: first,
    lastEventTimestamp: last,
    lastIngestionTime: last,
    arn: `${arn}:log-stream:${name}`,
  }));
  return {
    logStreams,
    ...nextOf(
      page.map(({ key }) => key),
      found,
    ),
  };
}

/** The token is the last name: it says where to go on, and nothing that its owner does not know. */
function nextOf(page: readonly string[], found: readonly unknown[]): { nextToken?: string } {
  const last = page.at(-1);
  return last === undefined || page.length === found.length ? {} : { nextToken: last };
}

async function groupNames(db: Kysely<Database>, own: string, prefix: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    with recursive walk (name) as (
      (select log_group from log_events where log_group >= ${prefix} order by log_group limit 1)
      union all
      select (select log_group from log_events where log_group > walk.name order by log_group limit 1)
      from walk where walk.name is not null
    )
    select name from walk where name ^@ ${prefix} and name ^@ ${own}`.execute(db);
  return rows.map(({ name }) => name);
}

async function streamsOf(db: Kysely<Database>, group: string) {
  const { rows } = await sql<{ name: string; first: Date; last: Date }>`
    with recursive walk (name) as (
      (select log_stream from log_events where log_group = ${group} order by log_stream limit 1)
      union all
      select (select log_stream from log_events where log_group = ${group} and log_stream > walk.name
        order by log_stream limit 1)
      from walk where walk.name is not null
    )
    select name,
      (select timestamp from log_events where log_group = ${group} and log_stream = name order by id limit 1) as first,
      (select timestamp from log_events where log_group = ${group} and log_stream = name order by id desc limit 1) as last
    from walk where name is not null`.execute(db);
  return rows.map(({ name, first, last }) => ({ name, first: first.getTime(), last: last.getTime() }));
}
