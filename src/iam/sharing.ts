/**
 * What resource policies share with other accounts. Source: Image Builder User Guide, "Share Image Builder resources with
 * AWS RAM"; IAM User Guide, "Cross-account policy evaluation logic".
 */
import { type AccessRequest, evaluate } from './evaluate.ts';
import { parsePolicy } from './parse-policy.ts';
import type { Policy } from './policy.ts';

/** The kinds of resources that have policies, and what can be shared of each: to be read and used, and to be listed. */
export const SHARED_ACTIONS = {
  component: { get: 'imagebuilder:GetComponent', list: 'imagebuilder:ListComponents' },
  image: { get: 'imagebuilder:GetImage', list: 'imagebuilder:ListImages' },
  'image-recipe': { get: 'imagebuilder:GetImageRecipe', list: 'imagebuilder:ListImageRecipes' },
  'container-recipe': { get: 'imagebuilder:GetContainerRecipe', list: 'imagebuilder:ListContainerRecipes' },
} as const;

export type SharedKind = keyof typeof SHARED_ACTIONS;

const READ_ACTIONS: ReadonlySet<string> = new Set(Object.values(SHARED_ACTIONS).map(({ get }) => get));

/** Whether an action may concern a resource of another account at all, when its policy says so. */
export function isShareable(action: string): boolean {
  return READ_ACTIONS.has(action);
}

/** Whether an ARN belongs to another account; what Amazon provides belongs to nobody. */
export function isOfAnotherAccount(arn: string, accountId: string): boolean {
  const account = accountOf(arn);
  return account !== undefined && account !== accountId;
}

/** The 12 digits in an ARN; undefined when it has none. */
export function accountOf(arn: string): string | undefined {
  return /^arn:[^:]*:[^:]*:[^:]*:([0-9]{12}):/.exec(arn)?.[1];
}

/** Whether the policy of a resource allows this to somebody of another account, whose own policies must allow it too. */
export function isShared(policy: string, request: AccessRequest): boolean {
  return evaluate(parseResourcePolicy(policy), request) === 'allowed';
}

/** @throws InvalidDocumentError */
export function parseResourcePolicy(text: string): Policy {
  return parsePolicy(text, 'policy', 'resource');
}

/** The accounts to which a policy allows anything, if only under conditions. */
export function accountsAllowedBy({ statements }: Policy): readonly string[] {
  const principals = statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap((statement) => statement.principals?.patterns ?? []);
  const accounts = principals.map(({ source }) => accountOf(source) ?? source);
  return [...new Set(accounts)];
}
