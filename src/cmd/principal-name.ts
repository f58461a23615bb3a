import { UsageError } from './command.ts';
import { ACCOUNT_ID, PRINCIPAL_NAME, type Principal } from './principals.ts';

/** A name within an account. */
export interface PrincipalName {
  readonly name: string;
  readonly accountId: string;
}

/**
 * What a command line says: a name with `--account` or without, or the ARN of a user. Throws a UsageError for what cannot
 * be one.
 */
export function readPrincipalName(text: string, account: string | undefined, homeAccountId: string): PrincipalName {
  const [, ofArn, name = text] = /^arn:aws:iam::([0-9]{12}):user\/(.*)$/.exec(text) ?? [];
  if (text.startsWith('arn:') && ofArn === undefined) {
    throw new UsageError(`'${text}' is not the ARN of a user: arn:aws:iam::ACCOUNT:user/NAME`);
  }
  if (account !== undefined && !ACCOUNT_ID.test(account)) {
    throw new UsageError(`'${account}' is no account id: it has 12 digits`);
  }
  if (account !== undefined && ofArn !== undefined && account !== ofArn) {
    throw new UsageError(`'${text}' is not of the account ${account}`);
  }
  if (!PRINCIPAL_NAME.test(name)) {
    throw new UsageError(`'${name}' cannot be a name: 1 to 64 letters, digits and any of + = , . @ _ -`);
  }
  return { name, accountId: ofArn ?? account ?? homeAccountId };
}

export function isNamed(principal: Principal, { name, accountId }: PrincipalName, homeAccountId: string): boolean {
  return principal.name === name && (principal.accountId ?? homeAccountId) === accountId;
}
