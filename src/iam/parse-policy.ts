/**
 * Reads policy documents. Everything that is wrong is found in one pass, with its place; what Kiln cannot evaluate (a
 * condition key that it has no value for, a variable of such a key, another policy language version) is refused by name.
 * Source: IAM User Guide, "Grammar of the IAM JSON policy language".
 */
import { ProblemList } from '../util/problem-list.ts';
import { field, readMap, readText, readWord, suggestion } from '../util/yaml-reader.ts';
import { parseYaml, type YamlMap, type YamlNode } from '../util/yaml-source.ts';
import { ACTIONS } from './actions.ts';
import { CONDITION_KEYS, isConditionKey, isPolicyVariable } from './condition-keys.ts';
import { CONDITION_OPERATORS } from './condition-operators.ts';
import { type Pattern, parsePattern, variablesOf } from './pattern.ts';
import type { Condition, Policy, Selection, Statement } from './policy.ts';

/**
 * `identity`: attached to a principal. `endpoint` and `resource`: attached to a place that many come by, or to what is
 * shared with others; they name their principals.
 */
export type PolicyKind = 'identity' | 'endpoint' | 'resource';

const VERSIONS = ['2012-10-17', '2008-10-17'] as const;

interface Reading {
  readonly kind: PolicyKind;
  readonly variables: boolean;
  readonly problems: ProblemList;
}

/**
 * @param file how problems name the document
 * @throws InvalidDocumentError
 */
export function parsePolicy(text: string, file: string, kind: PolicyKind): Policy {
  const problems = new ProblemList(file);
  const root = parseYaml(text, problems);
  const keys = { required: ['Statement'], optional: ['Version', 'Id'] };
  const map = root === undefined ? undefined : readMap(root, 'the policy', problems, keys);
  problems.throwIfAny();
  const version = map === undefined ? undefined : field(map, 'Version');
  const word = version === undefined ? undefined : readWord(version, 'Version', VERSIONS, problems);
  const list = map === undefined ? undefined : field(map, 'Statement');
  const reading: Reading = { kind, variables: word === '2012-10-17', problems };
  const nodes = list === undefined ? [] : list.kind === 'list' ? list.items : [list];
  const statements = nodes.map((node, index) => readStatement(node, `statement ${index + 1}`, reading));
  if (list !== undefined && nodes.length === 0) problems.add(list.position, 'A policy needs a statement.');
  problems.throwIfAny();
  return { statements: statements.filter((statement) => statement !== undefined) };
}

const ELEMENTS = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'];

function readStatement(node: YamlNode, what: string, reading: Reading): Statement | undefined {
  const { kind, problems } = reading;
  const optional = kind === 'identity' ? ELEMENTS : [...ELEMENTS, 'Principal', 'NotPrincipal'];
  const map = readMap(node, what, problems, { required: ['Effect'], optional });
  if (map === undefined) return undefined;
  const sid = field(map, 'Sid');
  const effectNode = field(map, 'Effect');
  const effect =
    effectNode === undefined ? undefined : readWord(effectNode, 'Effect', ['Allow', 'Deny'] as const, problems);
  return {
    sid: sid === undefined ? undefined : readText(sid, 'Sid', problems),
    effect: effect ?? 'Deny',
    principals: kind === 'identity' ? undefined : readSelection(map, what, 'Principal', readPrincipal, reading),
    actions: readSelection(map, what, 'Action', readAction, reading),
    resources: readSelection(map, what, 'Resource', readResource, reading),
    conditions: readConditions(map, reading),
  };
}

type ReadPattern = (node: YamlNode, what: string, reading: Reading) => readonly Pattern[];

/** An element that may be given as itself or as its inversion, and must be given as one of them. */
function readSelection(map: YamlMap, what: string, element: string, read: ReadPattern, reading: Reading): Selection {
  const straight = field(map, element);
  const inverse = field(map, `Not${element}`);
  const node = straight ?? inverse;
  if (node === undefined || (straight !== undefined && inverse !== undefined)) {
    const message = `${what} needs either ${element} or Not${element}.`;
    reading.problems.add((inverse ?? map).position, message.charAt(0).toUpperCase() + message.slice(1));
  }
  const patterns = node === undefined ? [] : itemsOf(node).flatMap((item) => read(item, element, reading));
  if (node !== undefined && itemsOf(node).length === 0) {
    reading.problems.add(node.position, `${element} has no value.`);
  }
  return { inverted: straight === undefined, patterns };
}

function itemsOf(node: YamlNode): readonly YamlNode[] {
  return node.kind === 'list' ? node.items : [node];
}

/** `service:Name` with wildcards. Names of Image Builder's actions are checked, so that a slip of the pen is found. */
function readAction(node: YamlNode, what: string, { problems }: Reading): readonly Pattern[] {
  const text = readText(node, what, problems);
  if (text === undefined) return [];
  const match = /^(?:\*|([A-Za-z0-9-]+):([A-Za-z0-9*?]+))$/.exec(text);
  if (match === null) problems.add(node.position, `'${text.slice(0, 80)}' is not an action.`, 'e.g. imagebuilder:Get*');
  const [, service, name = ''] = match ?? [];
  const known = service?.toLowerCase() === 'imagebuilder' ? ACTIONS : undefined;
  if (known !== undefined && !/[*?]/.test(name) && !known.some((action) => same(action, name))) {
    const hint = suggestion(name, known, ['the names of the operations']);
    problems.add(node.position, `Image Builder has no action '${name}'.`, hint);
  }
  return [parsePattern(text, false)];
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function readResource(node: YamlNode, what: string, reading: Reading): readonly Pattern[] {
  const text = readText(node, what, reading.problems);
  if (text === undefined) return [];
  if (text !== '*' && !/^arn:/.test(text)) {
    reading.problems.add(node.position, `'${text.slice(0, 80)}' is neither an ARN nor '*'.`);
  }
  return [readPattern(text, node, reading)];
}

function readPattern(text: string, node: YamlNode, { variables, problems }: Reading): Pattern {
  const pattern = parsePattern(text, variables);
  for (const key of variablesOf(pattern)) {
    if (!isPolicyVariable(key)) problems.add(node.position, `Kiln has no policy variable '\${${key.slice(0, 80)}}'.`);
  }
  return pattern;
}

/** `"*"` or `{"AWS": ["*" | account | ARN]}`. */
function readPrincipal(node: YamlNode, what: string, { problems }: Reading): readonly Pattern[] {
  if (node.kind !== 'map') {
    const text = readText(node, what, problems);
    if (text !== undefined && text !== '*') problems.add(node.position, `${what} is "*" or {"AWS": …}.`);
    return text === undefined ? [] : [parsePattern('*', false)];
  }
  const map = readMap(node, what, problems, { required: ['AWS'], optional: [] });
  const value = map === undefined ? undefined : field(map, 'AWS');
  return (value === undefined ? [] : itemsOf(value)).flatMap((item) => {
    const text = readText(item, what, problems);
    if (text === undefined) return [];
    if (!/^(?:\*|[0-9]{12}|arn:aws[^:]*:(?:iam|sts)::[0-9]{12}:[^*?]+)$/.test(text)) {
      problems.add(item.position, `'${text.slice(0, 80)}' is not '*', an account id or the ARN of a principal.`);
    }
    return [parsePattern(text, false)];
  });
}

function readConditions(statement: YamlMap, reading: Reading): readonly Condition[] {
  const node = field(statement, 'Condition');
  const operators = node === undefined ? undefined : readMap(node, 'Condition', reading.problems);
  return (operators?.entries ?? []).flatMap(({ key, keyPosition, value }) => {
    const operator = readOperator(key);
    if (operator === undefined) {
      const hint = suggestion(key, [...Object.keys(CONDITION_OPERATORS), 'Null']);
      reading.problems.add(keyPosition, `There is no condition operator '${key.slice(0, 80)}'.`, hint);
      return [];
    }
    const keys = readMap(value, key, reading.problems);
    return (keys?.entries ?? []).map((entry) => readCondition(entry, operator, reading));
  });
}

type OperatorUse = Pick<Condition, 'operator' | 'set' | 'ifExists'>;

/** `ForAllValues:StringLikeIfExists` in its parts; undefined when there is no such operator. */
function readOperator(text: string): OperatorUse | undefined {
  const match = /^(?:For(All|Any)Value(?:s)?:)?([A-Za-z]+?)(IfExists)?$/.exec(text);
  const [, quantifier, name = '', ifExists] = match ?? [];
  const set = quantifier === undefined ? undefined : quantifier === 'All' ? 'all' : 'any';
  if (text.startsWith('For') && !/^For(?:AllValues|AnyValue):/.test(text)) return undefined;
  if (name === 'Null') {
    return set === undefined && ifExists === undefined ? { operator: undefined, set, ifExists: false } : undefined;
  }
  if (!Object.hasOwn(CONDITION_OPERATORS, name)) return undefined;
  return { operator: CONDITION_OPERATORS[name], set, ifExists: ifExists !== undefined };
}

function readCondition(entry: YamlMap['entries'][number], use: OperatorUse, reading: Reading): Condition {
  const { problems } = reading;
  if (!isConditionKey(entry.key)) {
    const message = `Kiln has no value for the condition key '${entry.key.slice(0, 80)}'.`;
    problems.add(entry.keyPosition, message, suggestion(entry.key, CONDITION_KEYS));
  }
  const values = itemsOf(entry.value).flatMap((node) => {
    const text = readText(node, entry.key, problems);
    if (text === undefined) return [];
    const reason = use.operator === undefined ? checkNull(text) : use.operator.check(text);
    const pattern = readPattern(text, node, reading);
    if (reason !== undefined && variablesOf(pattern).length === 0) {
      problems.add(node.position, `The value of ${entry.key.slice(0, 80)} ${reason}.`);
    }
    return [pattern];
  });
  return { key: entry.key.toLowerCase(), ...use, values };
}

function checkNull(text: string): string | undefined {
  return /^(?:true|false)$/i.test(text) ? undefined : 'must be true or false';
}
