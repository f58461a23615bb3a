import type { SourcePosition } from '../util/problem.ts';
import type { ProblemList } from '../util/problem-list.ts';
import { readList, suggestion } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode, YamlScalar } from '../util/yaml-source.ts';
import { constantText, type TextPart, type TextValue, textValue, type Value, type ValueEntry } from './values.ts';

/** What names in a template stand for. */
export interface Scope {
  /** Values of parameters, text or list. */
  readonly parameters: ReadonlyMap<string, Value>;
  /** `AWS::Region` and its like. */
  readonly pseudoParameters: ReadonlyMap<string, string>;
  /** Attribute names of each resource by its logical id. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  readonly problems: ProblemList;
}

type Intrinsic = (argument: YamlNode, scope: Scope, position: SourcePosition) => Value | undefined;

/** Source: AWS CloudFormation User Guide, "Intrinsic function reference". */
const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: evaluateRef,
  'Fn::GetAtt': evaluateGetAtt,
  'Fn::Sub': evaluateSub,
  'Fn::Join': evaluateJoin,
  'Fn::Base64': evaluateBase64,
};

/** What CloudFormation has and Kiln has not, so that it is refused by its name and not as a typing error. */
const NOT_YET = new Set(
  `Condition Fn::And Fn::Cidr Fn::Equals Fn::FindInMap Fn::ForEach Fn::GetAZs Fn::GetStackOutput Fn::If Fn::ImportValue
   Fn::Length Fn::Not Fn::Or Fn::Select Fn::Split Fn::ToJsonString Fn::Transform`.split(/\s+/),
);

const PSEUDO_PARAMETERS_NOT_YET = new Set(['AWS::NotificationARNs', 'AWS::StackId']);

/**
 * Evaluates the functions in a part of a template. A part that is wrong adds a problem and gives undefined, and so does
 * everything that holds it.
 */
export function evaluate(node: YamlNode, scope: Scope): Value | undefined {
  const call = findCall(node, scope.problems);
  if (call === 'refused') return undefined;
  if (call !== undefined) return call.intrinsic(call.argument, scope, node.position);
  if (node.kind === 'scalar') return scalarValue(node);
  if (node.kind === 'list') {
    const items = node.items.map((item) => evaluate(item, scope));
    if (!items.every((item) => item !== undefined)) return undefined;
    return { kind: 'list', position: node.position, items: items.filter((item) => item.kind !== 'absent') };
  }
  const entries = node.entries.map((entry): ValueEntry | undefined => {
    const value = evaluate(entry.value, scope);
    return value === undefined ? undefined : { key: entry.key, keyPosition: entry.keyPosition, value };
  });
  if (!entries.every((entry) => entry !== undefined)) return undefined;
  return { kind: 'map', position: node.position, entries: entries.filter((entry) => entry.value.kind !== 'absent') };
}

interface Call {
  readonly intrinsic: Intrinsic;
  readonly argument: YamlNode;
}

function findCall(node: YamlNode, problems: ProblemList): Call | 'refused' | undefined {
  if (node.tag !== undefined) {
    const word = node.tag.slice(1);
    const name = word === 'Ref' || word === 'Condition' ? word : `Fn::${word}`;
    return lookUp(name, node.tag, { ...node, tag: undefined }, node.position, problems);
  }
  if (node.kind !== 'map') return undefined;
  const entry = node.entries.find(({ key }) => key === 'Ref' || key.startsWith('Fn::'));
  if (entry === undefined) return undefined;
  if (node.entries.length > 1) {
    problems.add(entry.keyPosition, `${entry.key} must be the only key of its map.`);
    return 'refused';
  }
  return lookUp(entry.key, entry.key, entry.value, entry.keyPosition, problems);
}

function lookUp(
  name: string,
  written: string,
  argument: YamlNode,
  position: SourcePosition,
  problems: ProblemList,
): Call | 'refused' {
  const intrinsic = Object.hasOwn(INTRINSICS, name) ? INTRINSICS[name] : undefined;
  if (intrinsic !== undefined) return { intrinsic, argument };
  const names = Object.keys(INTRINSICS);
  if (NOT_YET.has(name)) {
    problems.add(position, `Kiln does not support ${name} in templates yet.`, `supported: ${names.join(', ')}`);
  } else {
    const spelled = written.startsWith('!') ? names.map((known) => `!${known.replace('Fn::', '')}`) : names;
    problems.add(position, `There is no function ${written}.`, suggestion(written, spelled));
  }
  return 'refused';
}

function scalarValue(node: YamlScalar): TextValue {
  return { kind: 'text', position: node.position, parts: [node.text], empty: node.value === null };
}

function evaluateRef(argument: YamlNode, scope: Scope, position: SourcePosition): Value | undefined {
  if (argument.kind !== 'scalar') {
    scope.problems.add(argument.position, 'Ref takes the name of a parameter or of a resource.');
    return undefined;
  }
  return resolveName(argument.text, scope, position);
}

/** What `Ref` of any resource type of Image Builder gives. */
const REF_ATTRIBUTE = 'Arn';

function resolveName(name: string, scope: Scope, position: SourcePosition): Value | undefined {
  if (name === 'AWS::NoValue') return { kind: 'absent', position };
  const pseudo = scope.pseudoParameters.get(name);
  if (pseudo !== undefined) return textValue(position, pseudo);
  const parameter = scope.parameters.get(name);
  if (parameter !== undefined) return { ...parameter, position };
  if (scope.attributes.has(name)) return textValue(position, { logicalId: name, attribute: REF_ATTRIBUTE });
  if (PSEUDO_PARAMETERS_NOT_YET.has(name)) {
    scope.problems.add(position, `Kiln does not support ${name} in templates: it has no stacks.`);
    return undefined;
  }
  const known = [...scope.parameters.keys(), ...scope.attributes.keys(), ...scope.pseudoParameters.keys()];
  scope.problems.add(position, `There is no parameter or resource '${name}'.`, suggestion(name, known));
  return undefined;
}

function evaluateGetAtt(argument: YamlNode, scope: Scope, position: SourcePosition): Value | undefined {
  const { problems } = scope;
  const expected = "Fn::GetAtt takes 'LogicalId.Attribute' or a list of the two.";
  if (argument.kind === 'scalar') {
    const dot = argument.text.indexOf('.');
    if (dot > 0) return resolveAttribute(argument.text.slice(0, dot), argument.text.slice(dot + 1), scope, position);
    problems.add(argument.position, expected);
    return undefined;
  }
  const [logicalId, attributeNode, ...rest] = argument.kind === 'list' ? argument.items : [];
  if (logicalId?.kind !== 'scalar' || attributeNode === undefined || rest.length > 0) {
    problems.add(argument.position, expected);
    return undefined;
  }
  const attribute = evaluateConstant(attributeNode, 'the attribute of Fn::GetAtt', scope);
  return attribute === undefined ? undefined : resolveAttribute(logicalId.text, attribute, scope, position);
}

function resolveAttribute(
  logicalId: string,
  attribute: string,
  scope: Scope,
  position: SourcePosition,
): TextValue | undefined {
  const attributes = scope.attributes.get(logicalId);
  if (attributes === undefined) {
    const hint = suggestion(logicalId, [...scope.attributes.keys()]);
    scope.problems.add(position, `There is no resource '${logicalId}'.`, hint);
    return undefined;
  }
  if (!attributes.includes(attribute)) {
    const hint = suggestion(attribute, attributes);
    scope.problems.add(position, `The resource '${logicalId}' has no attribute '${attribute}'.`, hint);
    return undefined;
  }
  return textValue(position, { logicalId, attribute });
}

/** `text` or `[text, {Name: value}]`; `${!Name}` stands for the text `${Name}`. */
function evaluateSub(argument: YamlNode, scope: Scope, position: SourcePosition): Value | undefined {
  const [template, variablesNode, ...rest] = argument.kind === 'list' ? argument.items : [argument];
  if (template?.kind !== 'scalar' || rest.length > 0 || (argument.kind === 'list' && variablesNode?.kind !== 'map')) {
    scope.problems.add(argument.position, 'Fn::Sub takes a text, or a list of a text and a map of variables.');
    return undefined;
  }
  const variables = variablesNode?.kind === 'map' ? evaluateVariables(variablesNode, scope) : new Map<string, Value>();
  if (variables === undefined) return undefined;

  const parts: TextPart[] = [];
  let complete = true;
  let end = 0;
  for (const match of template.text.matchAll(/\$\{([^}]*)\}/g)) {
    parts.push(template.text.slice(end, match.index));
    end = match.index + match[0].length;
    const name = match[1] ?? '';
    if (name.startsWith('!')) {
      parts.push(`\${${name.slice(1)}}`);
      continue;
    }
    const value = resolveVariable(name.trim(), variables, scope, template.position);
    if (value?.kind === 'text') parts.push(...value.parts);
    else complete = false;
    if (value !== undefined && value.kind !== 'text') {
      scope.problems.add(template.position, `\${${name}} is ${nounOf(value)}, which cannot be put into a text.`);
    }
  }
  parts.push(template.text.slice(end));
  return complete ? textValue(position, ...parts) : undefined;
}

function evaluateVariables(node: YamlMap, scope: Scope): ReadonlyMap<string, Value> | undefined {
  const variables = new Map<string, Value>();
  for (const entry of node.entries) {
    const value = evaluate(entry.value, scope);
    if (value === undefined) return undefined;
    variables.set(entry.key, value);
  }
  return variables;
}

function resolveVariable(
  name: string,
  variables: ReadonlyMap<string, Value>,
  scope: Scope,
  position: SourcePosition,
): Value | undefined {
  const variable = variables.get(name);
  if (variable !== undefined) return variable;
  const dot = name.indexOf('.');
  if (dot > 0) return resolveAttribute(name.slice(0, dot), name.slice(dot + 1), scope, position);
  return resolveName(name, scope, position);
}

function evaluateJoin(argument: YamlNode, scope: Scope, position: SourcePosition): Value | undefined {
  const list = readList(argument, 'the argument of Fn::Join', scope.problems);
  if (list === undefined) return undefined;
  const [delimiterNode, itemsNode, ...rest] = list.items;
  if (delimiterNode?.kind !== 'scalar' || itemsNode === undefined || rest.length > 0) {
    scope.problems.add(argument.position, 'Fn::Join takes a list of a delimiter and a list of values.');
    return undefined;
  }
  const items = evaluate(itemsNode, scope);
  if (items === undefined) return undefined;
  if (items.kind !== 'list') {
    scope.problems.add(items.position, `The values of Fn::Join must be a list, not ${nounOf(items)}.`);
    return undefined;
  }
  const parts: TextPart[] = [];
  for (const [index, item] of items.items.entries()) {
    if (item.kind !== 'text') {
      scope.problems.add(item.position, `Fn::Join joins texts, not ${nounOf(item)}.`);
      return undefined;
    }
    if (index > 0) parts.push(delimiterNode.text);
    parts.push(...item.parts);
  }
  return textValue(position, ...parts);
}

function evaluateBase64(argument: YamlNode, scope: Scope, position: SourcePosition): Value | undefined {
  const text = evaluateConstant(argument, 'the argument of Fn::Base64', scope);
  return text === undefined ? undefined : textValue(position, Buffer.from(text).toString('base64'));
}

/** A text that must be known before anything is created. */
export function evaluateConstant(node: YamlNode, what: string, scope: Scope): string | undefined {
  const value = evaluate(node, scope);
  if (value === undefined) return undefined;
  const text = value.kind === 'text' ? constantText(value) : undefined;
  if (text === undefined) {
    const reason = value.kind === 'text' ? 'must not depend on a resource' : `must be a text, not ${nounOf(value)}`;
    scope.problems.add(node.position, `${what.charAt(0).toUpperCase()}${what.slice(1)} ${reason}.`);
  }
  return text;
}

function nounOf(value: Value): string {
  return { text: 'a text', list: 'a list', map: 'a map', absent: 'AWS::NoValue' }[value.kind];
}
