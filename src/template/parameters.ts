import type { SourcePosition } from '../util/problem.ts';
import { didYouMean } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readInteger, readList, readMap, readText } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import { type TextValue, textValue, type Value } from './values.ts';

/** Source: AWS CloudFormation User Guide, "CloudFormation template Parameters syntax". */
const TYPES = {
  String: { isList: false, isNumber: false, isStored: false },
  Number: { isList: false, isNumber: true, isStored: false },
  CommaDelimitedList: { isList: true, isNumber: false, isStored: false },
  'List<Number>': { isList: true, isNumber: true, isStored: false },
  // The value of these is the name of a parameter in Parameter Store.
  'AWS::SSM::Parameter::Value<String>': { isList: false, isNumber: false, isStored: true },
  'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>': { isList: false, isNumber: false, isStored: true },
  'AWS::SSM::Parameter::Value<CommaDelimitedList>': { isList: true, isNumber: false, isStored: true },
  'AWS::SSM::Parameter::Value<List<String>>': { isList: true, isNumber: false, isStored: true },
} as const satisfies Readonly<Record<string, ParameterType>>;

interface ParameterType {
  readonly isList: boolean;
  readonly isNumber: boolean;
  /** Whether the value is that of a parameter in Parameter Store, and what is given is its name. */
  readonly isStored: boolean;
}

/** The value of a parameter in Parameter Store; undefined when there is none of this name. */
export type FindStoredParameter = (name: string) => Promise<string | undefined>;

const OPTIONAL_KEYS = [
  'Default',
  'Description',
  'AllowedValues',
  'AllowedPattern',
  'ConstraintDescription',
  'MinLength',
  'MaxLength',
  'MinValue',
  'MaxValue',
  'NoEcho',
];

export interface ParameterDeclaration {
  readonly name: string;
  readonly type: ParameterType;
  readonly position: SourcePosition;
  readonly default: string | undefined;
  readonly description: string | undefined;
  readonly allowedValues: readonly string[] | undefined;
  readonly allowedPattern: RegExp | undefined;
  readonly constraintDescription: string | undefined;
  readonly length: Range;
  readonly value: Range;
  /** The value is a secret: messages do not repeat it. */
  readonly noEcho: boolean;
}

interface Range {
  readonly min: number | undefined;
  readonly max: number | undefined;
}

/** Reads the `Parameters` section. */
export function readParameters(section: YamlMap, problems: ProblemList): ReadonlyMap<string, ParameterDeclaration> {
  const declarations = new Map<string, ParameterDeclaration>();
  for (const { key, keyPosition, value } of section.entries) {
    if (!/^[A-Za-z0-9]{1,255}$/.test(key)) {
      problems.add(keyPosition, `'${key}' is not a parameter name.`, 'letters and digits only');
    }
    const declaration = readDeclaration(key, value, problems);
    if (declaration !== undefined) declarations.set(key, declaration);
  }
  return declarations;
}

function readDeclaration(name: string, node: YamlNode, problems: ProblemList): ParameterDeclaration | undefined {
  const what = `the parameter '${name}'`;
  const map = readMap(node, what, problems);
  if (map === undefined) return undefined;
  checkKeys(map, what, { required: ['Type'], optional: OPTIONAL_KEYS }, problems);
  const text = (key: string): string | undefined => {
    const value = field(map, key);
    return value === undefined ? undefined : readText(value, `${key} of ${what}`, problems);
  };
  const integer = (key: string): number | undefined => {
    const value = field(map, key);
    return value === undefined ? undefined : readInteger(value, `${key} of ${what}`, problems);
  };
  const type = readType(field(map, 'Type'), name, problems);
  const allowed = field(map, 'AllowedValues');
  const allowedList = allowed === undefined ? undefined : readList(allowed, `AllowedValues of ${what}`, problems);
  if (type === undefined) return undefined;
  return {
    name,
    type,
    position: map.position,
    default: text('Default'),
    description: text('Description'),
    allowedValues: allowedList?.items.flatMap((item) => readText(item, `an allowed value of ${what}`, problems) ?? []),
    allowedPattern: readPattern(field(map, 'AllowedPattern'), what, problems),
    constraintDescription: text('ConstraintDescription'),
    length: { min: integer('MinLength'), max: integer('MaxLength') },
    value: { min: integer('MinValue'), max: integer('MaxValue') },
    noEcho: text('NoEcho')?.toLowerCase() === 'true',
  };
}

function readType(node: YamlNode | undefined, name: string, problems: ProblemList): ParameterType | undefined {
  const text = node === undefined ? undefined : readText(node, `Type of the parameter '${name}'`, problems);
  if (node === undefined || text === undefined) return undefined;
  const type = Object.entries(TYPES).find(([candidate]) => candidate === text)?.[1];
  if (type === undefined) {
    const message = text.includes('AWS::')
      ? `Kiln does not support parameters of type ${text}: it has nothing in AWS to look them up in.`
      : `There is no parameter type '${text}'.`;
    problems.add(node.position, message, `supported: ${Object.keys(TYPES).join(', ')}`);
  }
  return type;
}

function readPattern(node: YamlNode | undefined, what: string, problems: ProblemList): RegExp | undefined {
  const source = node === undefined ? undefined : readText(node, `AllowedPattern of ${what}`, problems);
  if (node === undefined || source === undefined) return undefined;
  try {
    return new RegExp(`^(?:${source})$`);
  } catch {
    problems.add(node.position, `AllowedPattern of ${what} is not a regular expression.`);
    return undefined;
  }
}

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
