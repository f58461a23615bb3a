/** What both ways of reading lines have in common. */
import { AwsError } from '../../contract/errors.ts';
import type { LogEvent } from '../../contract/log-operations.ts';
import type { LogAccount } from './log-account.ts';

/** Source: API Reference, GetLogEvents and FilterLogEvents: up to 10,000 events or 1 MB. */
export const MOST_EVENTS = 10_000;
export const MOST_BYTES = 1_048_576;
/** Lines may be long: so many are in memory at a time. */
export const BATCH = 200;

/** Times after what a date can be are that. */
export function dateOf(milliseconds: number): Date {
  return new Date(Math.min(milliseconds, Date.UTC(9999, 0, 1)));
}

/** Throws ResourceNotFoundException. */
export async function refuseMissingGroup({ db }: LogAccount, group: string): Promise<void> {
  const any = await db.selectFrom('log_events').select('id').where('log_group', '=', group).limit(1).executeTakeFirst();
  if (any === undefined) throw noSuchGroup();
}

/** Throws ResourceNotFoundException. */
export async function refuseMissingStream(account: LogAccount, group: string, stream: string): Promise<void> {
  const lines = account.db.selectFrom('log_events').select('id').where('log_group', '=', group);
  if ((await lines.where('log_stream', '=', stream).limit(1).executeTakeFirst()) !== undefined) return;
  await refuseMissingGroup(account, group);
  throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
}

/** Lines are stored at once, so they were taken in when they were said. */
export function eventOf({ timestamp, message }: { readonly timestamp: Date; readonly message: string }): LogEvent {
  return { timestamp: timestamp.getTime(), message, ingestionTime: timestamp.getTime() };
}

export function noSuchGroup(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
}
