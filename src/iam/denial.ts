import { AwsError } from '../contract/errors.ts';
import type { AccessCheck } from './access-checks.ts';

/** Which of the policies that must allow something it was. */
export type DecidingPolicy = 'identity-based' | 'resource-based' | 'VPC endpoint';

type Denied = Pick<AccessCheck, 'action' | 'resource'>;

/** Source of the wording: IAM User Guide, "Troubleshoot access denied error messages". */
export function notAllowed(principalArn: string, denied: Denied, policy: DecidingPolicy): AwsError {
  return denial(principalArn, denied, `because no ${policy} policy allows the ${denied.action} action`);
}

export function explicitlyDenied(principalArn: string, denied: Denied, policy: DecidingPolicy): AwsError {
  const article = policy === 'identity-based' ? 'an' : 'a';
  return denial(principalArn, denied, `with an explicit deny in ${article} ${policy} policy`);
}

function denial(principalArn: string, { action, resource }: Denied, reason: string): AwsError {
  return new AwsError(
    'AccessDeniedException',
    `User: ${principalArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
  );
}
