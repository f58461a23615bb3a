/**
 * The documents of resource policies. They only share: Allow, for principals of other accounts, reading actions, on the
 * resource that has the policy. Source: User Guide, "Share Image Builder resources with AWS RAM"; IAM User Guide,
 * "Grammar of the IAM JSON policy language". What Kiln has no meaning for is refused by name.
 */
import { invalidParameter } from '../contract/errors.ts';

/** What may be shared of each kind. */
export const SHARED_ACTIONS = {
  component: ['imagebuilder:GetComponent', 'imagebuilder:ListComponents'],
  image: ['imagebuilder:GetImage', 'imagebuilder:ListImages'],
  'image-recipe': ['imagebuilder:GetImageRecipe', 'imagebuilder:ListImageRecipes'],
  'container-recipe': ['imagebuilder:GetContainerRecipe', 'imagebuilder:ListContainerRecipes'],
} as const;

interface Target {
  readonly kind: keyof typeof SHARED_ACTIONS;
  readonly arn: string;
}

const VERSIONS = ['2012-10-17', '2008-10-17'];
/** An account, its root, or one of its users and roles. */
const PRINCIPAL = /^(?:[0-9]{12}|arn:aws[^:]*:iam::[0-9]{12}:(?:root|(?:user|role)\/[\w+=,.@/-]{1,512}))$/;

/** Throws InvalidParameterValueException of `policy` with every problem of the document, a line each. */
export function checkResourcePolicy(text: string, target: Target): void {
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
    for (const [index, statement] of listOf(policy['Statement']).entries()) {
      checkStatement(statement, `Statement[${index}]`, target, problems);
    }
  }
  if (problems.length > 0) throw invalidParameter('policy', problems.join('\n'));
}

/** Whether a policy that was checked has any effect. */
export function sharesWithAnybody(text: string): boolean {
  const policy = parse(text);
  return isRecord(policy) && listOf(policy['Statement']).length > 0;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkStatement(statement: unknown, path: string, target: Target, problems: string[]): void {
  if (!isRecord(statement)) {
    problems.push(`'${path}' must be an object.`);
    return;
  }
  checkKeys(statement, ['Sid', 'Effect', 'Principal', 'Action', 'Resource'], `'${path}'`, problems);
  const { Sid: sid, Effect: effect, Principal: principal, Action: action, Resource: resource } = statement;
  if (sid !== undefined && (typeof sid !== 'string' || !/^[A-Za-z0-9_ .-]{0,256}$/.test(sid))) {
    problems.push(`'${path}.Sid' must be letters, digits, blanks, _, . and -.`);
  }
  if (effect !== 'Allow') problems.push(`'${path}.Effect' must be Allow.`);
  checkPrincipal(principal, `${path}.Principal`, problems);
  const allowed: readonly string[] = SHARED_ACTIONS[target.kind];
  checkTexts(action, `${path}.Action`, (one) => allowed.includes(one), `one of ${allowed.join(', ')}`, problems);
  checkTexts(resource, `${path}.Resource`, (one) => one === target.arn, `'${target.arn}'`, problems);
}

function checkPrincipal(principal: unknown, path: string, problems: string[]): void {
  if (!isRecord(principal)) {
    problems.push(`'${path}' must be an object with the accounts: {"AWS": ["123456789012"]}.`);
    return;
  }
  checkKeys(principal, ['AWS'], `'${path}'`, problems);
  checkTexts(
    principal['AWS'],
    `${path}.AWS`,
    (one) => PRINCIPAL.test(one),
    'an account id or the ARN of an account, user or role',
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
