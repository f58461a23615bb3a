import { readList, suggestion } from '../../util/yaml-reader.ts';
import type { YamlNode } from '../../util/yaml-source.ts';
import type { Intrinsic, Scope } from '../scope.ts';
import { constantText, nounOf, type TextPart, textValue, type Value } from '../values.ts';
import { evaluateConstant } from './constant.ts';

/** `[delimiter, [texts]]` */
export const join: Intrinsic = (argument, { scope, position, evaluate }) => {
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
};

/** `[delimiter, text]` */
export const split: Intrinsic = (argument, { scope, position, evaluate }) => {
  const pair = pairOf(argument, 'Fn::Split takes a list of a delimiter and a text.', scope);
  const delimiter = pair === undefined ? undefined : evaluateConstant(pair[0], 'the delimiter', scope, evaluate);
  const value = pair === undefined ? undefined : evaluate(pair[1], scope);
  if (delimiter === undefined || value === undefined) return undefined;
  if (delimiter === '' || value.kind !== 'text') {
    const reason = value.kind === 'text' ? 'needs a delimiter' : `splits a text, not ${nounOf(value)}`;
    scope.problems.add(argument.position, `Fn::Split ${reason}.`);
    return undefined;
  }
  const text = constantText(value);
  if (text === undefined) return { kind: 'pieces', position, of: value.parts, delimiter };
  return { kind: 'list', position, items: text.split(delimiter).map((piece) => textValue(position, piece)) };
};

/** `[index, list]` */
export const select: Intrinsic = (argument, { scope, position, evaluate }) => {
  const pair = pairOf(argument, 'Fn::Select takes a list of an index and a list of values.', scope);
  const written = pair === undefined ? undefined : evaluateConstant(pair[0], 'the index', scope, evaluate);
  const list = pair === undefined ? undefined : evaluate(pair[1], scope);
  if (written === undefined || list === undefined) return undefined;
  const index = /^[0-9]{1,6}$/.test(written) ? Number(written) : undefined;
  if (index === undefined) {
    scope.problems.add(argument.position, `The index of Fn::Select must be a whole number from 0, not '${written}'.`);
    return undefined;
  }
  if (list.kind === 'pieces') return textValue(position, { of: list.of, delimiter: list.delimiter, index });
  if (list.kind !== 'list') {
    scope.problems.add(argument.position, `Fn::Select selects from a list, not from ${nounOf(list)}.`);
    return undefined;
  }
  const item = list.items[index];
  if (item === undefined) {
    scope.problems.add(argument.position, `Fn::Select has no item ${index}: the list has ${list.items.length}.`);
    return undefined;
  }
  return { ...item, position };
};

/** `[mapping, top-level key, second-level key]` */
export const findInMap: Intrinsic = (argument, { scope, evaluate }) => {
  const { problems, mappings } = scope;
  const nodes = argument.kind === 'list' ? argument.items : [];
  if (nodes.length !== 3) {
    const hint = nodes.length === 4 ? 'a default value needs the transform AWS::LanguageExtensions' : undefined;
    const message = 'Fn::FindInMap takes a list of a mapping, a top-level key and a second-level key.';
    problems.add(argument.position, message, hint);
    return undefined;
  }
  const keys = nodes.map((node) => evaluateConstant(node, 'the key', scope, evaluate));
  const [mapping, top, second] = keys;
  if (mapping === undefined || top === undefined || second === undefined) return undefined;
  const missing = (what: string, key: string, known: Iterable<string>): undefined =>
    problems.add(argument.position, `There is no ${what} '${key}'.`, suggestion(key, [...known])) as undefined;
  const rows = mappings.get(mapping);
  if (rows === undefined) return missing('mapping', mapping, mappings.keys());
  const row = rows.get(top);
  if (row === undefined) return missing(`key of the mapping '${mapping}'`, top, rows.keys());
  const entry = row.entries.find(({ key }) => key === second);
  const names = row.entries.map(({ key }) => key);
  if (entry === undefined) return missing(`key of '${top}' in the mapping '${mapping}'`, second, names);
  return literalOf(entry.value, scope);
};

/** A value of a mapping: a text, or a list of texts. */
function literalOf(node: YamlNode, scope: Scope): Value | undefined {
  if (node.tag !== undefined || node.kind === 'map') {
    scope.problems.add(node.position, 'A mapping holds texts and lists of texts, no functions.');
    return undefined;
  }
  if (node.kind === 'scalar') return textValue(node.position, node.text);
  const items = node.items.map((item) => literalOf(item, scope));
  return items.every((item) => item !== undefined) ? { kind: 'list', position: node.position, items } : undefined;
}

function pairOf(argument: YamlNode, expected: string, { problems }: Scope): readonly [YamlNode, YamlNode] | undefined {
  const [first, second, ...rest] = argument.kind === 'list' ? argument.items : [];
  if (first !== undefined && second !== undefined && rest.length === 0) return [first, second];
  problems.add(argument.position, expected);
  return undefined;
}
