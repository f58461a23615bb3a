import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { checkKeys, field, readInteger, readList, readMap, readText } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';

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

export interface Range {
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
