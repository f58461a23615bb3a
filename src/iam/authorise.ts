/** Says no to what the caller's policy, or the policy of the endpoint that it came by, does not allow. */
import { AwsError } from '../contract/errors.ts';
import type { AccessCheck } from './access-checks.ts';
import type { RequestContext } from './condition-keys.ts';
import { type Decision, evaluate, mentions } from './evaluate.ts';
import type { Policy } from './policy.ts';

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
    const policies = [
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
        if (decision !== 'allowed') throw denial(subject.principalArn, check, decision, kind);
      }
    }
  };
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

/** Source of the wording: IAM User Guide, "Troubleshoot access denied error messages". */
function denial(principal: string, { action, resource }: AccessCheck, decision: Decision, kind: string): AwsError {
  const article = /^[aeiou]/.test(kind) ? 'an' : 'a';
  const reason =
    decision === 'explicitly denied'
      ? `with an explicit deny in ${article} ${kind} policy`
      : `because no ${kind} policy allows the ${action} action`;
  return new AwsError(
    'AccessDeniedException',
    `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
  );
}
