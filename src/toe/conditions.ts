import { RE2JS } from 're2js';
import type { InputValue, StepInputs } from '../documents/component.ts';
import { isNumber, OPERATORS, type OperatorName, whatIsWrongWithPattern } from '../documents/component-conditions.ts';
import { isList } from '../documents/component-expressions.ts';
import { capture } from './capture.ts';
import { DIGEST_FUNCTION, type DigestAlgorithm } from './digest.ts';
import { powerShellCommand, saidBy } from './powershell.ts';
import { StepFailedError } from './step-failed.ts';
import type { Target } from './target.ts';
import type { Workspace } from './workspace.ts';

export interface ConditionContext {
  readonly target: Target;
  readonly workspace: Workspace;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Resolves the expressions of a text. */
  readonly resolve: (text: string) => Promise<string>;
}

/**
 * Whether a condition, as the validator accepted it, is true on the target. `and` and `or` look at no operand after the
 * one that decides, nor do they resolve its expressions.
 */
export async function evaluateCondition(condition: StepInputs, context: ConditionContext): Promise<boolean> {
  const name = Object.keys(condition).find((key): key is OperatorName => Object.hasOwn(OPERATORS, key));
  if (name === undefined) throw new StepFailedError('a condition has no operator');
  const operand = condition[name] ?? '';
  if (name === 'and' || name === 'or') {
    for (const item of isList(operand) ? operand : []) {
      if ((await evaluateCondition(asCondition(item), context)) === (name === 'or')) return name === 'or';
    }
    return name === 'and';
  }
  if (name === 'not') return !(await evaluateCondition(asCondition(operand), context));
  const baseline = await resolveScalar(operand, context);
  const companion = await resolveScalar(condition['value'] ?? condition['path'] ?? '', context);
  return TESTS[name](baseline, companion, context);
}

type Test = (baseline: Scalar, tested: Scalar, context: ConditionContext) => boolean | Promise<boolean>;
type Scalar = string | number;

/**
 * One test per operator. The choices where AWS's pages disagree: `stringEquals` minds case, ordering does not;
 * `fileExists` means a regular file; a hash operator on a missing file is false.
 */
const TESTS: Readonly<Record<Exclude<OperatorName, 'and' | 'or' | 'not'>, Test>> = {
  stringIsEmpty: (text) => text === '',
  stringIsWhitespace: (text) => /^\s+$/.test(String(text)),
  stringEquals: (baseline, value) => String(baseline) === String(value),
  stringLessThan: (baseline, value) => compareText(value, baseline) < 0,
  stringLessThanEquals: (baseline, value) => compareText(value, baseline) <= 0,
  stringGreaterThan: (baseline, value) => compareText(value, baseline) > 0,
  stringGreaterThanEquals: (baseline, value) => compareText(value, baseline) >= 0,
  patternMatches: (pattern, value) => matches(String(pattern), String(value)),
  numberEquals: (baseline, value) => compareNumbers(value, baseline) === 0,
  numberLessThan: (baseline, value) => holds(compareNumbers(value, baseline), (order) => order < 0),
  numberLessThanEquals: (baseline, value) => holds(compareNumbers(value, baseline), (order) => order <= 0),
  numberGreaterThan: (baseline, value) => holds(compareNumbers(value, baseline), (order) => order > 0),
  numberGreaterThanEquals: (baseline, value) => holds(compareNumbers(value, baseline), (order) => order >= 0),
  // Functions and builtins of bash count as well.
  binaryExists: (name, _, context) =>
    context.target.os === 'windows'
      ? succeeds(context, 'C:\\Windows\\System32\\where.exe', ['/Q', String(name)])
      : succeeds(context, 'bash', ['-c', 'type -- "$1" >/dev/null 2>&1', 'bash', String(name)]),
  fileExists: (path, _, context) => isThere('-f', 'Leaf', path, context),
  folderExists: (path, _, context) => isThere('-d', 'Container', path, context),
  fileMD5Equals: (digest, path, context) => digestEquals('MD5', digest, path, context),
  fileSHA1Equals: (digest, path, context) => digestEquals('SHA1', digest, path, context),
  fileSHA256Equals: (digest, path, context) => digestEquals('SHA256', digest, path, context),
  fileSHA512Equals: (digest, path, context) => digestEquals('SHA512', digest, path, context),
};

function compareText(a: Scalar, b: Scalar): number {
  const [first, second] = [String(a).toLowerCase(), String(b).toLowerCase()];
  return first < second ? -1 : first > second ? 1 : 0;
}

function matches(pattern: string, value: string): boolean {
  const wrong = whatIsWrongWithPattern(pattern);
  if (wrong !== undefined) throw new StepFailedError(`the pattern of patternMatches is not valid: ${wrong}`);
  return RE2JS.compile(pattern).matcher(value).find();
}

function holds(order: number | undefined, test: (order: number) => boolean): boolean {
  return order !== undefined && test(order);
}

/** Negative, 0 or positive at any precision; undefined when one of the two is no number. */
export function compareNumbers(a: Scalar, b: Scalar): number | undefined {
  if (!isNumber(a) || !isNumber(b)) return undefined;
  // A YAML float such as 1e300 has no short decimal notation.
  if (typeof a === 'number' || typeof b === 'number') return Math.sign(Number(a) - Number(b));
  const [first, second] = [splitDecimal(a), splitDecimal(b)];
  const digits = Math.max(first.fraction.length, second.fraction.length);
  const scaled = ({ whole, fraction, negative }: Decimal): bigint =>
    BigInt(whole + fraction.padEnd(digits, '0')) * (negative ? -1n : 1n);
  const difference = scaled(first) - scaled(second);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

interface Decimal {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

function splitDecimal(text: string): Decimal {
  const [whole = '0', fraction = ''] = text.replace(/^[-+]/, '').split('.');
  return { negative: text.startsWith('-'), whole, fraction };
}

async function isThere(flag: string, type: string, path: Scalar, context: ConditionContext): Promise<boolean> {
  const absolute = context.workspace.absolute(String(path));
  if (context.target.os !== 'windows') return succeeds(context, 'test', [flag, absolute]);
  return (await askWindows(TEST_PATH, { path: absolute, type }, context)) === 'True';
}

export const TEST_PATH = 'Say (Test-Path -LiteralPath $in.path -PathType $in.type)';
export const FILE_DIGEST = `
if (Test-Path -LiteralPath $in.path -PathType Leaf) { Say (Get-FileHash -LiteralPath $in.path -Algorithm $in.algorithm).Hash }
`;

async function askWindows(script: string, values: object, context: ConditionContext): Promise<string> {
  const { target, environment, workspace, signal } = context;
  const command = { ...powerShellCommand(script, values), env: environment, cwd: workspace.directory, signal };
  const { code, stdout, stderr } = await capture(target, command);
  if (code !== 0) throw new StepFailedError(stderr.trim() || `exit status ${code}`);
  return saidBy(stdout);
}

async function succeeds(context: ConditionContext, program: string, args: readonly string[]): Promise<boolean> {
  const { target, environment, workspace, signal } = context;
  const { code } = await target.run({ argv: [program, ...args], env: environment, cwd: workspace.directory, signal });
  return code === 0;
}

async function digestEquals(
  algorithm: DigestAlgorithm,
  digest: Scalar,
  path: Scalar,
  context: ConditionContext,
): Promise<boolean> {
  const { target, environment, workspace, signal } = context;
  const file = workspace.absolute(String(path));
  if (target.os === 'windows') {
    const found = await askWindows(FILE_DIGEST, { path: file, algorithm }, context);
    return found !== '' && found.toLowerCase() === String(digest).toLowerCase();
  }
  const script = `${DIGEST_FUNCTION}\n[ -f "$2" ] && digest "$1" "$2"`;
  const argv = ['sh', '-c', script, 'kiln', algorithm, file] as const;
  const { code, stdout } = await capture(target, { argv, env: environment, cwd: workspace.directory, signal });
  return code === 0 && stdout.trim().toLowerCase() === String(digest).toLowerCase();
}

async function resolveScalar(value: InputValue, context: ConditionContext): Promise<Scalar> {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? context.resolve(value) : String(value);
}

function asCondition(value: InputValue): StepInputs {
  return typeof value === 'object' && !isList(value) ? value : {};
}
