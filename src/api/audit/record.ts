/** Calls as CloudTrail tells them. Source: CloudTrail User Guide, "CloudTrail record contents". */
import { randomUUID } from 'node:crypto';
import type { Call } from '../call.ts';
import { bounded } from './bounded.ts';

const EVENT_VERSION = '1.11';

export interface RecordPlace {
  readonly accountId: string;
  readonly region: string;
}

/** @param left how many calls before this one were left out of the trail, when some were */
export function auditRecord(call: Call, { accountId, region }: RecordPlace, left = 0): object {
  const { error, credential, readOnly } = call;
  return {
    eventVersion: EVENT_VERSION,
    userIdentity: userIdentity(call),
    eventTime: withoutMilliseconds(call.startedAt),
    eventSource: call.eventSource,
    eventName: call.eventName,
    awsRegion: region,
    sourceIPAddress: call.peer.address?.replace(/^::ffff:/, '') ?? 'unix',
    userAgent: call.userAgent?.slice(0, 512),
    ...(error === undefined ? {} : { errorCode: error.name, errorMessage: error.message.slice(0, 1_024) }),
    requestParameters: bounded(call.input) ?? null,
    responseElements: readOnly || error !== undefined ? null : (bounded(call.output) ?? null),
    ...(left === 0 ? {} : { additionalEventData: { unauthenticatedCallsLeftOut: left } }),
    requestID: call.requestId,
    eventID: randomUUID(),
    readOnly,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: credential?.accountId ?? accountId,
    eventCategory: 'Management',
  };
}

/** That a line of the trail was torn by the end of the process or machine, and taken away. */
export function tornRecord(
  torn: { readonly bytes: number; readonly sha256: string },
  now: Date,
  place: RecordPlace,
): object {
  return serviceEvent('TornAuditRecord', torn, now, place);
}

/** That the trail once reached up to a record that is not there any more. */
export function missingRecord(
  newest: { readonly sequence: number; readonly hash: string },
  now: Date,
  place: RecordPlace,
): object {
  return serviceEvent('MissingAuditRecords', newest, now, place);
}

function serviceEvent(eventName: string, serviceEventDetails: object, now: Date, place: RecordPlace): object {
  return {
    eventVersion: EVENT_VERSION,
    userIdentity: { type: 'AWSService', invokedBy: 'imagebuilder.amazonaws.com' },
    eventTime: withoutMilliseconds(now),
    eventSource: 'imagebuilder.amazonaws.com',
    eventName,
    awsRegion: place.region,
    sourceIPAddress: 'imagebuilder.amazonaws.com',
    requestParameters: null,
    responseElements: null,
    serviceEventDetails,
    eventID: randomUUID(),
    readOnly: false,
    eventType: 'AwsServiceEvent',
    managementEvent: true,
    recipientAccountId: place.accountId,
    eventCategory: 'Management',
  };
}

/** What somebody with access to the home did by a command, without a request. */
export interface CommandEvent {
  readonly eventName: 'AddPrincipal' | 'RotatePrincipalKeys' | 'RemovePrincipal';
  readonly userAgent: string;
  readonly requestParameters: Readonly<Record<string, unknown>>;
  readonly responseElements?: Readonly<Record<string, unknown>>;
  readonly error?: Error;
  /** Of the operating system. */
  readonly user: { readonly uid: number; readonly name: string };
}

export function commandRecord(event: CommandEvent, now: Date, { accountId, region }: RecordPlace): object {
  const { error } = event;
  return {
    eventVersion: EVENT_VERSION,
    userIdentity: { type: 'Root', principalId: accountId, arn: `arn:aws:iam::${accountId}:root`, accountId },
    eventTime: withoutMilliseconds(now),
    eventSource: 'kiln',
    eventName: event.eventName,
    awsRegion: region,
    sourceIPAddress: 'local',
    userAgent: event.userAgent,
    ...(error === undefined ? {} : { errorCode: error.name, errorMessage: error.message.slice(0, 1_024) }),
    requestParameters: bounded(event.requestParameters) ?? null,
    responseElements: event.responseElements ?? null,
    additionalEventData: { operatingSystemUser: event.user },
    eventID: randomUUID(),
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: accountId,
    eventCategory: 'Management',
  };
}

function userIdentity({ credential, claimedAccessKeyId }: Call): object {
  if (credential === undefined) {
    const key = claimedAccessKeyId?.slice(0, 128);
    return { type: 'Unknown', ...(key === undefined ? {} : { accessKeyId: key }) };
  }
  const { userId, principalArn, accountId, accessKeyId, userName } = credential;
  return {
    type: userName === undefined ? 'Root' : 'IAMUser',
    principalId: userId,
    arn: principalArn,
    accountId,
    accessKeyId,
    ...(userName === undefined ? {} : { userName }),
  };
}

function withoutMilliseconds(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
