/**
 * Decides whether a policy lets a request pass. An explicit Deny wins over everything; what no statement allows is
 * denied. Source: IAM User Guide, "Policy evaluation logic".
 */
import type { RequestContext } from './condition-keys.ts';
import { matches, matchesArn, type Pattern, type Variables } from './pattern.ts';
import type { Condition, Policy, Selection, Statement } from './policy.ts';

/** One action on one resource, by one principal. */
export interface AccessRequest {
  /** `imagebuilder:CreateComponent` */
  readonly action: string;
  /** An ARN, or `*` for an action that has no resource. */
  readonly resource: string;
  readonly principalArn: string;
  /** 12 digits. */
  readonly principalAccount: string;
  readonly context: RequestContext;
}

export type Decision = 'allowed' | 'implicitly denied' | 'explicitly denied';

export function evaluate(policy: Policy, request: AccessRequest): Decision {
  const variables: Variables = (key) => {
    const values = request.context.get(key.toLowerCase());
    return values?.length === 1 ? values[0] : undefined;
  };
  const applying = policy.statements.filter((statement) => applies(statement, request, variables));
  if (applying.some(({ effect }) => effect === 'Deny')) return 'explicitly denied';
  return applying.length > 0 ? 'allowed' : 'implicitly denied';
}

/** Whether a policy asks for a key that begins so, as a condition or as a variable. */
export function mentions(policy: Policy, keyPrefix: string): boolean {
  const prefix = keyPrefix.toLowerCase();
  const inPatterns = (patterns: readonly Pattern[]): boolean =>
    patterns.some(({ parts }) =>
      parts.some((part) => part.kind === 'variable' && part.key.toLowerCase().startsWith(prefix)),
    );
  return policy.statements.some(
    ({ resources, conditions }) =>
      inPatterns(resources.patterns) ||
      conditions.some(({ key, values }) => key.startsWith(prefix) || inPatterns(values)),
  );
}

function applies(statement: Statement, request: AccessRequest, variables: Variables): boolean {
  const { principals, actions, resources, conditions } = statement;
  return (
    selects(actions, (pattern) => matches(pattern, request.action, noVariables, true)) &&
    selects(resources, (pattern) => matchesResource(pattern, request.resource, variables)) &&
    (principals === undefined || selects(principals, (pattern) => matchesPrincipal(pattern, request))) &&
    conditions.every((condition) => holds(condition, request.context, variables))
  );
}

const noVariables: Variables = () => undefined;

function selects({ inverted, patterns }: Selection, test: (pattern: Pattern) => boolean): boolean {
  return patterns.some(test) !== inverted;
}

/** What has no resource can only be allowed, and denied, for all of them. */
function matchesResource(pattern: Pattern, resource: string, variables: Variables): boolean {
  return pattern.source === '*' || (resource !== '*' && matchesArn(pattern, resource, variables));
}

/** An account, as its number or its root's ARN, means everybody in it; otherwise the ARN must be the same. */
function matchesPrincipal({ source }: Pattern, { principalArn, principalAccount }: AccessRequest): boolean {
  if (source === '*' || source === principalArn || source === principalAccount) return true;
  return /^arn:aws[^:]*:iam::([0-9]{12}):root$/.exec(source)?.[1] === principalAccount;
}

function holds(condition: Condition, context: RequestContext, variables: Variables): boolean {
  const actual = context.get(condition.key) ?? [];
  const { operator, set, ifExists, values } = condition;
  if (operator === undefined) {
    return values.some(({ source }) => (source.toLowerCase() === 'true') === (actual.length === 0));
  }
  if (actual.length === 0) return ifExists || set === 'all' || (operator.negated && set === undefined);
  const fits = (value: string): boolean =>
    values.some((expected) => operator.test(value, expected, variables)) !== operator.negated;
  // Without a set operator, several values of a request are as the documentation of the negated operators has it: none
  // of them may be among those that are excluded.
  return set === 'all' || (set === undefined && operator.negated) ? actual.every(fits) : actual.some(fits);
}
