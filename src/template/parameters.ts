import type { SourcePosition } from '../util/problem.ts';
import { didYouMean } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import type { ParameterDeclaration, Range } from './parameter-declarations.ts';
import { type TextValue, textValue, type Value } from './values.ts';

/** The value of a parameter in Parameter Store; undefined when there is none of this name. */
export type FindStoredParameter = (name: string) => Promise<string | undefined>;

/** A value from the command line, or a problem that names the parameter. */
export interface GivenParameters {
  readonly [name: string]: string;
}

/** Where problems with values that come from the command line are said to be. */
const NO_PLACE: SourcePosition = { line: 1, column: 1 };

/**
 * The value of every declared parameter: as given, or its default. Values that are missing, unknown or against the
 * declaration become problems.
 */
export async function resolveParameters(
  declarations: ReadonlyMap<string, ParameterDeclaration>,
  given: GivenParameters,
  findStored: FindStoredParameter,
  problems: ProblemList,
): Promise<ReadonlyMap<string, Value>> {
  for (const name of Object.keys(given)) {
    if (declarations.has(name)) continue;
    const near = didYouMean(name, declarations.keys());
    const names = [...declarations.keys()].join(', ') || 'none';
    const hint = near === undefined ? `declared: ${names}` : `did you mean '${near}'?`;
    problems.add(NO_PLACE, `The template has no parameter '${name}'.`, hint);
  }
  const values = new Map<string, Value>();
  for (const declaration of declarations.values()) {
    const { name, position, type } = declaration;
    const text = Object.hasOwn(given, name) ? given[name] : declaration.default;
    if (text === undefined) {
      const hint = `give it with -p ${name}=VALUE`;
      problems.add(position, `The parameter '${name}' has no value and no default.`, hint);
    }
    const texts = text === undefined ? undefined : itemsOf(declaration, text, problems);
    const found = type.isStored && texts !== undefined ? await lookUp(declaration, texts, findStored, problems) : texts;
    // References to what has no value are not wrong for that.
    values.set(name, toValue(declaration, found ?? ['']));
  }
  return values;
}

function itemsOf(declaration: ParameterDeclaration, text: string, problems: ProblemList): readonly string[] {
  const { isList, isStored } = declaration.type;
  const texts = isList && !isStored ? splitList(text) : [text];
  for (const item of texts) checkValue(declaration, item, problems);
  return texts;
}

function splitList(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim());
}

async function lookUp(
  { name, position, type }: ParameterDeclaration,
  [stored = '']: readonly string[],
  findStored: FindStoredParameter,
  problems: ProblemList,
): Promise<readonly string[] | undefined> {
  const value = await findStored(stored);
  if (value === undefined) {
    const hint = `put it into KILN_HOME/parameters.json, or name another with -p ${name}=NAME`;
    problems.add(position, `The parameter '${name}' names '${stored}', which is not in Parameter Store.`, hint);
    return undefined;
  }
  return type.isList ? splitList(value) : [value];
}

function toValue({ position, type }: ParameterDeclaration, texts: readonly string[]): Value {
  const items: TextValue[] = texts.map((item) => textValue(position, item));
  const [first] = items;
  return type.isList || first === undefined ? { kind: 'list', position, items } : first;
}

function checkValue(declaration: ParameterDeclaration, text: string, problems: ProblemList): void {
  const { name, type, allowedValues, allowedPattern, length, value, constraintDescription, noEcho } = declaration;
  const shown = noEcho ? 'its value' : `'${text}'`;
  const refuse = (reason: string, hint?: string): void => {
    problems.add(declaration.position, `The parameter '${name}' ${reason}.`, constraintDescription ?? hint);
  };
  const number = type.isNumber ? Number(text) : undefined;
  if (number !== undefined && (text.trim() === '' || !Number.isFinite(number))) {
    refuse(`must be a number, not ${shown}`);
    return;
  }
  if (allowedValues !== undefined && !allowedValues.includes(text)) {
    refuse(`cannot be ${shown}`, `allowed: ${allowedValues.join(', ')}`);
  }
  if (allowedPattern !== undefined && !allowedPattern.test(text)) {
    refuse(`does not match its AllowedPattern: ${shown}`, `pattern: ${allowedPattern.source}`);
  }
  checkRange(text.length, length, (bound) => refuse(`must have ${bound} characters`));
  if (number !== undefined) checkRange(number, value, (bound) => refuse(`must be ${bound}`));
}

function checkRange(actual: number, { min, max }: Range, refuse: (bound: string) => void): void {
  if (min !== undefined && actual < min) refuse(`at least ${min}`);
  if (max !== undefined && actual > max) refuse(`at most ${max}`);
}
