/**
 * Operations of CloudWatch Logs that Kiln answers, as types: resources/ implements them, api/ speaks their protocol.
 * Source: CloudWatch Logs API Reference, version 2014-03-28. Times are milliseconds since 1970.
 */
import type { Caller } from './operations.ts';

export interface DescribeLogGroupsInput {
  readonly logGroupNamePrefix?: string | undefined;
  readonly logGroupNamePattern?: string | undefined;
  readonly limit?: number | undefined;
  readonly nextToken?: string | undefined;
}

export interface LogGroup {
  readonly logGroupName: string;
  readonly creationTime: number;
  readonly arn: string;
  readonly logGroupArn: string;
  readonly logGroupClass: 'STANDARD';
}

export interface DescribeLogStreamsInput {
  readonly logGroupName: string;
  readonly logStreamNamePrefix?: string | undefined;
  readonly orderBy?: 'LogStreamName' | 'LastEventTime' | undefined;
  readonly descending?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly nextToken?: string | undefined;
}

export interface LogStream {
  readonly logStreamName: string;
  readonly creationTime: number;
  readonly firstEventTimestamp: number;
  readonly lastEventTimestamp: number;
  readonly lastIngestionTime: number;
  readonly arn: string;
}

export interface GetLogEventsInput {
  readonly logGroupName: string;
  readonly logStreamName: string;
  readonly startTime?: number | undefined;
  readonly endTime?: number | undefined;
  readonly limit?: number | undefined;
  readonly startFromHead?: boolean | undefined;
  readonly nextToken?: string | undefined;
}

export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
  readonly ingestionTime: number;
}

export interface FilterLogEventsInput {
  readonly logGroupName: string;
  readonly logStreamNames?: readonly string[] | undefined;
  readonly logStreamNamePrefix?: string | undefined;
  readonly startTime?: number | undefined;
  readonly endTime?: number | undefined;
  readonly filterPattern?: string | undefined;
  readonly limit?: number | undefined;
  readonly nextToken?: string | undefined;
}

export interface FilteredLogEvent extends LogEvent {
  readonly logStreamName: string;
  readonly eventId: string;
}

export interface LogOperations {
  DescribeLogGroups(
    input: DescribeLogGroupsInput,
    caller: Caller,
  ): Promise<{ logGroups: readonly LogGroup[]; nextToken?: string }>;
  DescribeLogStreams(
    input: DescribeLogStreamsInput,
    caller: Caller,
  ): Promise<{ logStreams: readonly LogStream[]; nextToken?: string }>;
  GetLogEvents(
    input: GetLogEventsInput,
    caller: Caller,
  ): Promise<{ events: readonly LogEvent[]; nextForwardToken: string; nextBackwardToken: string }>;
  FilterLogEvents(
    input: FilterLogEventsInput,
    caller: Caller,
  ): Promise<{ events: readonly FilteredLogEvent[]; searchedLogStreams: readonly never[]; nextToken?: string }>;
}

export type LogOperationName = keyof LogOperations;
