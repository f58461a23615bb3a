/**
 * The documents of resource policies. They speak about other accounts: what those may read, under which conditions, of
 * the resource that has the policy. Source: User Guide, "Share Image Builder resources with AWS RAM"; IAM User Guide,
 * "Grammar of the IAM JSON policy language". What Kiln has no meaning for is refused by name.
 */
import { invalidParameter } from '../contract/errors.ts';
import { accountOf, accountsAllowedBy, parseResourcePolicy, SHARED_ACTIONS, type SharedKind } from '../iam/sharing.ts';
import { formatProblem, InvalidDocumentError } from '../util/problem.ts';

interface Target {
  readonly kind: SharedKind;
  /** Undefined when it is not known: then nothing is compared with it. */
  readonly arn: string | undefined;
}

const VERSIONS = ['2012-10-17', '2008-10-17'];
/** An account, its root, or one of its users and roles. */
const PRINCIPAL = /^(?:[0-9]{12}|arn:aws[^:]*:iam::[0-9]{12}:(?:root|(?:user|role)\/[\w+=,.@/-]{1,512}))$/;

/**
 * The accounts to which the policy allows something. Throws InvalidParameterValueException of `policy` with every problem
 * of the document, a line each.
 */
export function checkResourcePolicy(text: string, target: Target): readonly string[] {
  const problems: string[] = [];
  const policy = parse(text);
  if (!isRecord(policy)) {
    problems.push('It must be a JSON object.');
  } else {
    checkKeys(policy, ['Version', 'Id', 'Statement'], 'The policy', problems);
    if (!VERSIONS.includes(String(policy['Version'])))
      problems.push(`'Version' must be one of ${VERSIONS.join(', ')}.`);
    if (policy['Id'] !== undefined && typeof policy['Id'] !== 'string') problems.push("'Id' must be a string.");
    if (policy['Statement'] === undefined) problems.push("'Statement' is required.");
    const statements = listOf(policy['Statement']);
    for (const [index, statement] of statements.entries()) {
      checkStatement(statement, `Statement[${index}]`, target, problems);
    }
    // Nobody else's language has a policy without statements; here it ends the sharing.
    if (problems.length === 0 && statements.length === 0) return [];
  }
  if (problems.length > 0) throw invalidParameter('policy', problems.join('\n'));
  return accountsIn(text);
}

function accountsIn(text: string): readonly string[] {
  try {
    return accountsAllowedBy(parseResourcePolicy(text));
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    throw invalidParameter('policy', error.problems.map(formatProblem).join('\n'));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ELEMENTS = ['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'];

/** What is left, effects and conditions, is checked where policies are parsed. */
function checkStatement(statement: unknown, path: string, { kind, arn }: Target, problems: string[]): void {
  if (!isRecord(statement)) {
    problems.push(`'${path}' must be an object.`);
    return;
  }
  checkKeys(statement, ELEMENTS, `'${path}'`, problems);
  const { Sid: sid, Effect: effect, Principal: principal, Action: action, Resource: resource } = statement;
  if (sid !== undefined && (typeof sid !== 'string' || !/^[A-Za-z0-9_ .-]{0,256}$/.test(sid))) {
    problems.push(`'${path}.Sid' must be letters, digits, blanks, _, . and -.`);
  }
  if (effect !== 'Allow' && effect !== 'Deny') problems.push(`'${path}.Effect' must be Allow or Deny.`);
  checkPrincipal(principal, `${path}.Principal`, arn, problems);
  const allowed: readonly string[] = Object.values(SHARED_ACTIONS[kind]);
  checkTexts(action, `${path}.Action`, (one) => allowed.includes(one), `one of ${allowed.join(', ')}`, problems);
  checkTexts(resource, `${path}.Resource`, (one) => arn === undefined || one === arn, `'${arn}'`, problems);
}

function checkPrincipal(principal: unknown, path: string, arn: string | undefined, problems: string[]): void {
  if (!isRecord(principal)) {
    problems.push(`'${path}' must be an object with the accounts: {"AWS": ["123456789012"]}.`);
    return;
  }
  checkKeys(principal, ['AWS'], `'${path}'`, problems);
  const own = arn === undefined ? undefined : accountOf(arn);
  checkTexts(
    principal['AWS'],
    `${path}.AWS`,
    // What the own account's principals may do is in their own policies.
    (one) => PRINCIPAL.test(one) && (accountOf(one) ?? one) !== own,
    'another account, as its id or ARN, or the ARN of a user or role of one',
    problems,
  );
}

function checkTexts(
  value: unknown,
  path: string,
  isAllowed: (text: string) => boolean,
  expected: string,
  problems: string[],
): void {
  const texts = listOf(value);
  if (texts.length === 0) problems.push(`'${path}' is required.`);
  for (const text of texts) {
    if (typeof text === 'string' && isAllowed(text)) continue;
    problems.push(`'${path}' has ${JSON.stringify(text).slice(0, 200)}; it must be ${expected}.`);
  }
}

function checkKeys(value: Record<string, unknown>, known: readonly string[], what: string, problems: string[]): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) problems.push(`${what} has '${key.slice(0, 80)}'; Kiln knows ${known.join(', ')} there.`);
  }
}

/** A list, or the single element that IAM allows in its place. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
