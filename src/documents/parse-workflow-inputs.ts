import type { ProblemList } from '../util/problem-list.ts';
import { readBoolean, readInteger, readList, readMap, readText, suggestion } from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import type { WorkflowValue } from './workflow.ts';
import type { ActionInput } from './workflow-actions.ts';
import { checkReference, checkText, type KnownNames, referenceType } from './workflow-names.ts';
import { interpolatedReferences, looksLikeReference } from './workflow-references.ts';

type Values = Readonly<Record<string, WorkflowValue>>;
type Inputs = Readonly<Record<string, ActionInput>>;

interface Place {
  readonly names: KnownNames;
  readonly problems: ProblemList;
}

/**
 * Reads the inputs of an action, or the members of one of them, by its table. A key that ends in `.$` is kept with the
 * reference as its text. `what` is how problems call the owner of the inputs.
 */
export function readInputs(
  map: YamlMap | undefined,
  owner: { readonly what: string; readonly position: YamlNode['position'] },
  inputs: Inputs,
  place: Place,
): Values {
  const { problems } = place;
  const values: Record<string, WorkflowValue> = {};
  const given = new Set<string>();
  for (const { key, keyPosition, value } of map?.entries ?? []) {
    const isReference = key.endsWith('.$');
    const name = isReference ? key.slice(0, -2) : key;
    const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (input === undefined) {
      problems.add(keyPosition, `${owner.what} has no input '${name}'.`, suggestion(name, Object.keys(inputs)));
      continue;
    }
    if (input.notYet !== undefined) {
      problems.add(keyPosition, `Kiln does not support the input '${name}' (${input.notYet}) yet.`);
    }
    if (given.has(name))
      problems.add(keyPosition, `Input '${name}' is given twice.`, `'${name}' and '${name}.$' are one`);
    given.add(name);
    const read = isReference ? readReference(value, name, input, place) : readLiteral(value, name, input, place);
    if (read !== undefined) values[key] = read;
  }
  for (const [name, input] of Object.entries(inputs)) {
    if (input.required && !given.has(name)) {
      problems.add(map?.position ?? owner.position, `${owner.what} needs the input '${name}'.`);
    }
  }
  return values;
}

function readReference(
  node: YamlNode,
  name: string,
  input: ActionInput,
  { names, problems }: Place,
): string | undefined {
  const text = readText(node, `input '${name}.$'`, problems);
  if (text === undefined) return undefined;
  const reference = checkReference(text, node.position, names, problems);
  if (reference === undefined) return undefined;
  if (input.onlyStepOutput === true && reference.node !== 'stepOutputs') {
    problems.add(node.position, `Input '${name}' needs the output of a step.`, 'write $.stepOutputs.STEP.OUTPUT');
  }
  const type = referenceType(reference, names);
  if (type !== undefined && type !== input.type) {
    problems.add(node.position, `Input '${name}' needs a ${input.type}, and ${text} is a ${type}.`);
  }
  return text;
}

function readLiteral(node: YamlNode, name: string, input: ActionInput, place: Place): WorkflowValue | undefined {
  const { problems } = place;
  const what = `input '${name}'`;
  if (input.onlyStepOutput === true) {
    problems.add(node.position, `Input '${name}' needs the output of a step.`, `write '${name}.$: $.stepOutputs…'`);
    return undefined;
  }
  switch (input.type) {
    case 'boolean':
      return readBoolean(node, what, problems);
    case 'integer':
      return readInteger(node, what, problems);
    case 'stringList':
      return readStrings(node, what, place);
    case 'string':
      return readOneString(node, name, input, place);
    case 'map':
      return readMapInput(node, what, input, place);
    case 'mapList': {
      const items = readList(node, what, problems)?.items ?? [];
      if (input.maxItems !== undefined && items.length > input.maxItems) {
        problems.add(node.position, `${what} has ${items.length} items; at most ${input.maxItems} are allowed.`);
      }
      return items
        .map((item) => readMapInput(item, `an item of ${what}`, input, place))
        .filter((item) => item !== undefined);
    }
    case 'stringListMap': {
      const map = readMap(node, what, problems);
      return Object.fromEntries(
        (map?.entries ?? []).flatMap(({ key, value }): [string, WorkflowValue][] => {
          const list = readListMember(key, value, place);
          return list === undefined ? [] : [[key, list]];
        }),
      );
    }
    default:
      return input.type satisfies never;
  }
}

function readListMember(key: string, value: YamlNode, place: Place): WorkflowValue | undefined {
  const { names, problems } = place;
  if (!key.endsWith('.$')) return readStrings(value, `'${key}'`, place);
  const text = readText(value, `'${key}'`, problems);
  return text === undefined || checkReference(text, value.position, names, problems) === undefined ? undefined : text;
}

function readMapInput(node: YamlNode, what: string, input: ActionInput, place: Place): Values | undefined {
  const map = readMap(node, what, place.problems);
  if (map === undefined) return undefined;
  if (input.members !== undefined) return readInputs(map, { what, position: node.position }, input.members, place);
  if (input.maxItems !== undefined && map.entries.length > input.maxItems) {
    place.problems.add(
      node.position,
      `${what} has ${map.entries.length} entries; at most ${input.maxItems} are allowed.`,
    );
  }
  return Object.fromEntries(
    map.entries.flatMap(({ key, value }): [string, WorkflowValue][] => {
      const text = key.endsWith('.$')
        ? readReference(value, key.slice(0, -2), { type: 'string', required: false, summary: '' }, place)
        : readString(value, `'${key}' of ${what}`, place);
      return text === undefined ? [] : [[key, text]];
    }),
  );
}

function readOneString(node: YamlNode, name: string, input: ActionInput, place: Place): string | undefined {
  const { problems } = place;
  const text = readString(node, `input '${name}'`, place);
  if (text === undefined) return undefined;
  const refused = Object.hasOwn(input.refused ?? {}, text) ? input.refused?.[text] : undefined;
  if (looksLikeReference(text)) {
    problems.add(node.position, `${text} stands here as plain text.`, `write '${name}.$: ${text}'`);
  } else if (refused !== undefined) {
    problems.add(node.position, `Kiln does not support '${text}' here: ${refused}.`);
  } else if (
    input.allowed !== undefined &&
    !input.allowed.includes(text) &&
    interpolatedReferences(text).length === 0
  ) {
    problems.add(node.position, `Input '${name}' cannot be '${text}'.`, suggestion(text, input.allowed));
  }
  if (input.jsonBytes !== undefined) checkJson(node, text, name, input.jsonBytes, problems);
  return text;
}

/** What a text with references will hold is known only when the step runs. */
function checkJson(node: YamlNode, text: string, name: string, maxBytes: number, problems: ProblemList): void {
  if (Buffer.byteLength(text) > maxBytes) {
    problems.add(node.position, `Input '${name}' has more than ${maxBytes} bytes.`);
  } else if (interpolatedReferences(text).length === 0 && !isJson(text)) {
    problems.add(node.position, `Input '${name}' is not JSON.`);
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function readStrings(node: YamlNode, what: string, place: Place): readonly string[] {
  const items = readList(node, what, place.problems)?.items.map((item) => readString(item, what, place)) ?? [];
  return items.filter((item) => item !== undefined);
}

function readString(node: YamlNode, what: string, { names, problems }: Place): string | undefined {
  const text = readText(node, what, problems);
  if (text !== undefined) checkText(text, node.position, names, problems);
  return text;
}
