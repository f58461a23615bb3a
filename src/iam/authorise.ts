/**
 * Says no to what the caller's policy does not allow, or the policy of the endpoint that it came by, and to what belongs
 * to another account and cannot be shared. Whether something that can be shared is, is known where it is looked up
 * (resources/sharing.ts).
 */
import { AwsError } from '../contract/errors.ts';
import type { AccessCheck } from './access-checks.ts';
import type { RequestContext } from './condition-keys.ts';
import { type DecidingPolicy, explicitlyDenied, notAllowed } from './denial.ts';
import { evaluate, mentions } from './evaluate.ts';
import type { Policy } from './policy.ts';
import { isOfAnotherAccount, isShareable } from './sharing.ts';

export interface AuthoriserOptions {
  /** The tags of a resource by its ARN; undefined when it is not there. */
  readonly findTags: (arn: string) => Promise<Readonly<Record<string, string>> | undefined>;
}

/** Who wants to do something, and what governs it. */
export interface Subject {
  readonly principalArn: string;
  /** 12 digits. */
  readonly accountId: string;
  /** Undefined for the account's root, which may do everything that the endpoint lets through. */
  readonly policy: Policy | undefined;
  readonly endpointPolicy: Policy | undefined;
  /** Condition keys that are the same for all checks of the request. */
  readonly context: RequestContext;
}

/** Throws AccessDeniedException, in AWS's words, for the first check that does not pass. */
export type Authorise = (subject: Subject, checks: readonly AccessCheck[]) => Promise<void>;

export function createAuthoriser({ findTags }: AuthoriserOptions): Authorise {
  return async (subject, checks) => {
    const policies: readonly { policy: Policy | undefined; kind: DecidingPolicy }[] = [
      { policy: subject.policy, kind: 'identity-based' },
      { policy: subject.endpointPolicy, kind: 'VPC endpoint' },
    ];
    for (const { policy, kind } of policies) {
      if (policy === undefined) continue;
      const needsTags = mentions(policy, 'aws:ResourceTag/');
      for (const check of checks) {
        const tags = needsTags ? await findTags(check.resource) : undefined;
        const decision = evaluate(policy, {
          action: check.action,
          resource: check.resource,
          principalArn: subject.principalArn,
          principalAccount: subject.accountId,
          context: contextOf(subject.context, check, tags),
        });
        if (decision === 'explicitly denied') throw explicitlyDenied(subject.principalArn, check, kind);
        if (decision === 'implicitly denied') throw notAllowed(subject.principalArn, check, kind);
      }
    }
    for (const check of checks) refuseOtherAccounts(subject, check);
  };
}

/** The account's root included: what it may do without limits is what belongs to its account. */
function refuseOtherAccounts({ principalArn, accountId }: Subject, check: AccessCheck): void {
  if (!isOfAnotherAccount(check.resource, accountId)) return;
  if (check.action === 'iam:PassRole') {
    throw new AwsError('AccessDeniedException', `Cross-account pass role is not allowed: ${check.resource}`);
  }
  if (check.ownOnly === true || !isShareable(check.action)) throw notAllowed(principalArn, check, 'resource-based');
}

function contextOf(
  request: RequestContext,
  check: AccessCheck,
  tags: Readonly<Record<string, string>> | undefined,
): RequestContext {
  const context = new Map([...request, ...check.context]);
  const account = check.resource.split(':')[4];
  if (account !== undefined && account !== '') context.set('aws:resourceaccount', [account]);
  for (const [key, value] of Object.entries(tags ?? {})) context.set(`aws:resourcetag/${key.toLowerCase()}`, [value]);
  return context;
}
