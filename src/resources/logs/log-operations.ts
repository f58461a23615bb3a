import type { LogOperations } from '../../contract/log-operations.ts';
import type { Service } from '../service.ts';
import { filterLogEvents } from './filter-log-events.ts';
import { getLogEvents } from './get-log-events.ts';
import { describeLogGroups, describeLogStreams } from './log-lists.ts';

/** Each account reads its own logs. */
export function logOperations({ db, region }: Pick<Service, 'db' | 'region'>): LogOperations {
  const of = ({ accountId }: { readonly accountId: string }) => ({ db, region, accountId });
  return {
    DescribeLogGroups: (input, caller) => describeLogGroups(of(caller), input),
    DescribeLogStreams: (input, caller) => describeLogStreams(of(caller), input),
    GetLogEvents: (input, caller) => getLogEvents(of(caller), input),
    FilterLogEvents: (input, caller) => filterLogEvents(of(caller), input),
  };
}
