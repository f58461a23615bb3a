import type { AwsError } from '../contract/errors.ts';
import type { Policy } from '../iam/policy.ts';
import type { KnownCredential } from './auth/credentials.ts';

/** Where a request came from. */
export interface Peer {
  /** An IP address; undefined on a Unix socket. */
  readonly address: string | undefined;
  readonly tls: boolean;
  /** Of the endpoint that it came by; undefined when that lets everything through. */
  readonly endpointPolicy: Policy | undefined;
}

/** Whether somebody on this very machine asks. */
export function isLocal({ address }: Peer): boolean {
  return address === undefined || /^(?:::ffff:)?127\.|^::1$/.test(address);
}

/** One request, from its arrival to its answer: what the audit trail, the metrics and the log tell of it. */
export interface Call {
  readonly requestId: string;
  readonly peer: Peer;
  readonly startedAt: Date;
  /** Of performance.now(), for how long it took. */
  readonly startedMs: number;
  readonly method: string;
  /** Without the query, which may hold a signature. */
  readonly path: string;
  readonly userAgent: string | undefined;
  /** `imagebuilder.amazonaws.com` */
  eventSource: string;
  /** The operation's name, as soon as it is known. */
  eventName: string;
  /** Whether it changes nothing. */
  readOnly: boolean;
  /** The access key that the request says it is signed with. */
  claimedAccessKeyId: string | undefined;
  /** Who it is, once the signature proved it. */
  credential: KnownCredential | undefined;
  input: Readonly<Record<string, unknown>> | undefined;
  output: object | undefined;
  error: AwsError | undefined;
}
