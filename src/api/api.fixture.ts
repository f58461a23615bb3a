/** An API for tests, and what is needed to call it. */
import { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Clock } from '../util/clock.ts';
import { systemClock } from '../util/clock.ts';
import { Sha256 } from '../util/sha256.ts';
import type { Trail } from './audit/recorder.ts';
import { rootCredential } from './auth/credentials.ts';
import type { Endpoint, Listening } from './listen.ts';
import { type Api, type ApiOptions, createApi } from './server.ts';

export const REGION = 'eu-north-7';
export const CREDENTIAL = rootCredential({
  accessKeyId: 'AKIAKILNTEST00000001',
  secretAccessKey: 'not-a-secret/only+for=tests',
  accountId: '123456789012',
});

/** A free port of this machine. */
export const LOOPBACK: Endpoint = { place: { host: '127.0.0.1', port: 0 } };

export interface LoggedLine {
  readonly level: 'debug' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** The members of an audit record that tests look at. */
export interface AuditEvent {
  readonly eventName: string;
  readonly readOnly: boolean;
  readonly errorCode?: string;
  readonly requestID: string;
  readonly userIdentity: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

export interface ApiFixture extends AsyncDisposable {
  readonly api: Api;
  readonly log: LoggedLine[];
  /** What the audit trail was told. */
  readonly trail: AuditEvent[];
  /** Starts to listen; closed with the fixture. */
  listen(): Promise<Listening>;
  /** A real SDK client for the listening API; without retries unless more attempts are allowed. */
  client(maxAttempts?: number): Promise<ImagebuilderClient>;
}

export function apiFixture(options: Partial<ApiOptions> = {}): ApiFixture {
  const log: LoggedLine[] = [];
  const write = (level: LoggedLine['level']) => (fields: object, message: string) => {
    log.push({ level, fields: { ...fields }, message });
  };
  const trail: AuditEvent[] = [];
  const recordingTrail: Trail = {
    append: async (record) => {
      trail.push(JSON.parse(JSON.stringify(record)));
    },
    failure: () => undefined,
  };
  const api = createApi({
    operations: {},
    checkRequest: () => [],
    kiln: {
      service: { version: '0.1.0', accountId: CREDENTIAL.accountId, region: REGION, pid: 1, home: '/tmp/kiln-test' },
      follow: async function* () {},
    },
    findCredential: (id) => (id === CREDENTIAL.accessKeyId ? CREDENTIAL : undefined),
    findTags: async () => undefined,
    trail: recordingTrail,
    requestRate: { perSecond: 1_000, burst: 1_000 },
    maxFollowStreams: 10,
    isReady: async () => true,
    readGauges: async () => ({ images: new Map(), queued: 0 }),
    accountId: CREDENTIAL.accountId,
    region: REGION,
    clock: systemClock,
    log: { debug: write('debug'), warn: write('warn'), error: write('error') },
    ...options,
  });
  const cleanups: (() => Promise<void>)[] = [];
  let listening: Promise<Listening> | undefined;
  const listen = async (): Promise<Listening> => {
    listening ??= api.listen(LOOPBACK).then((started) => {
      cleanups.push(() => started.close());
      return started;
    });
    return listening;
  };
  return {
    api,
    log,
    trail,
    listen,
    client: async (maxAttempts = 1) => {
      const { accessKeyId, secretAccessKey } = CREDENTIAL;
      const client = new ImagebuilderClient({
        endpoint: (await listen()).url,
        region: REGION,
        credentials: { accessKeyId, secretAccessKey },
        maxAttempts,
      });
      cleanups.push(async () => client.destroy());
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
}

export interface SignOptions {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly at?: Date;
  readonly region?: string;
  readonly service?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  /** Makes a presigned URL that is good for so many seconds. */
  readonly presignSeconds?: number;
}

/** A signed request as a client would send it to `url`. */
export async function signedRequest(url: string, options: SignOptions = {}): Promise<Request> {
  const { pathname, searchParams, host, protocol, hostname } = new URL(url);
  const query: Record<string, string[]> = {};
  for (const name of new Set(searchParams.keys())) query[name] = searchParams.getAll(name);
  const signer = new SignatureV4({
    credentials: {
      accessKeyId: options.accessKeyId ?? CREDENTIAL.accessKeyId,
      secretAccessKey: options.secretAccessKey ?? CREDENTIAL.secretAccessKey,
      ...(options.sessionToken === undefined ? {} : { sessionToken: options.sessionToken }),
    },
    region: options.region ?? REGION,
    service: options.service ?? 'imagebuilder',
    sha256: Sha256,
    applyChecksum: false,
  });
  const method = options.method ?? 'GET';
  const unsigned = new HttpRequest({
    method,
    protocol,
    hostname,
    path: pathname,
    query,
    headers: { host, ...options.headers },
    body: options.body,
  });
  const signingDate = options.at ?? new Date();
  const signed =
    options.presignSeconds === undefined
      ? await signer.sign(unsigned, { signingDate })
      : await signer.presign(unsigned, { signingDate, expiresIn: options.presignSeconds });
  const signedUrl = new URL(url);
  signedUrl.search = '';
  for (const [name, value] of Object.entries(signed.query ?? {})) {
    for (const one of [value].flat()) signedUrl.searchParams.append(name, one ?? '');
  }
  // URLSearchParams writes spaces as `+`, which no signer means.
  signedUrl.search = signedUrl.search.replaceAll('+', '%20');
  return new Request(signedUrl, {
    method,
    headers: signed.headers as Record<string, string>,
    ...(options.body === undefined ? {} : { body: options.body }),
  });
}

/** A clock that stands still. */
export function clockAt(iso: string): Clock {
  return { now: () => new Date(iso) };
}
