import type { Caller } from '../contract/operations.ts';
import type { RequestContext } from '../iam/condition-keys.ts';
import type { KnownCredential } from './auth/credentials.ts';
import type { Call } from './call.ts';

/** Whoever's signature was good, as handlers know them. */
export function callerOf(call: Call, { accountId, principalArn }: KnownCredential, region: string): Caller {
  return { accountId, principalArn, context: requestContext(call, region), requestId: call.requestId };
}

/** The condition keys that are the same for everything that a request does. Keys in lower case. */
export function requestContext({ credential, peer, startedAt, userAgent }: Call, region: string): RequestContext {
  const keys = new Map<string, readonly string[]>();
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined) keys.set(key, [value]);
  };
  add('aws:currenttime', startedAt.toISOString());
  add('aws:epochtime', String(Math.floor(startedAt.getTime() / 1_000)));
  add('aws:requestedregion', region);
  add('aws:securetransport', String(peer.tls));
  add('aws:sourceip', peer.address?.replace(/^::ffff:/, ''));
  add('aws:useragent', userAgent);
  add('aws:principalarn', credential?.principalArn);
  add('aws:principalaccount', credential?.accountId);
  add('aws:principaltype', credential?.userName === undefined ? 'Account' : 'User');
  add('aws:userid', credential?.userId);
  add('aws:username', credential?.userName);
  return keys;
}
