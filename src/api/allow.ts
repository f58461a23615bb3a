import type { AccessCheck } from '../iam/access-checks.ts';
import type { Authorise } from '../iam/authorise.ts';
import type { Call } from './call.ts';
import { requestContext } from './request-context.ts';

export interface Allowing {
  readonly authorise: Authorise;
  readonly region: string;
}

/** Throws AccessDeniedException when the caller's policy or the endpoint's does not allow all of this. */
export async function allow(
  call: Call,
  checks: readonly AccessCheck[],
  { authorise, region }: Allowing,
): Promise<void> {
  const { credential, peer } = call;
  if (credential === undefined) throw new Error('The caller is not known yet.');
  const { principalArn, accountId, policy } = credential;
  const subject = { principalArn, accountId, policy, endpointPolicy: peer.endpointPolicy };
  await authorise({ ...subject, context: requestContext(call, region) }, checks);
}
