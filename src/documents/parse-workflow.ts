import { ProblemList } from '../util/problem-list.ts';
import {
  field,
  keyPosition,
  readBoolean,
  readInteger,
  readList,
  readMap,
  readText,
  readWord,
} from '../util/yaml-reader.ts';
import { parseYaml, type YamlMap, type YamlNode } from '../util/yaml-source.ts';
import { parseWorkflowStep } from './parse-workflow-step.ts';
import type { WorkflowDocument, WorkflowOutput, WorkflowParameter, WorkflowStep, WorkflowValue } from './workflow.ts';
import type { WorkflowType, WorkflowValueType } from './workflow-actions.ts';
import { checkReference, checkText, type KnownNames } from './workflow-names.ts';
import { MAX_PARAMETER_VALUE } from './workflow-parameters.ts';
import { looksLikeReference } from './workflow-references.ts';

const MAX_PARAMETERS = 25;
const MAX_STEPS = 15;
const MAX_OUTPUTS = 25;
const MAX_PARAMETER_NAME = 128;
const PARAMETER_TYPES: readonly WorkflowValueType[] = ['string', 'integer', 'boolean', 'stringList'];
/** As in the API's WorkflowStepName; the guide's own rule differs slightly. */
const STEP_NAME = /^[A-Za-z][A-Za-z0-9_-]{1,99}$/;
const OUTPUT_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/;

export interface WorkflowSource {
  /** How problems name the document: a file as the caller wrote it, or a resource name. */
  readonly file: string;
  readonly text: string;
  /** The type of the workflow resource; it decides which actions are allowed. */
  readonly type: WorkflowType;
}

/** Parses and validates a workflow document into a frozen plan. Throws an InvalidDocumentError with every problem. */
export function parseWorkflow(source: WorkflowSource): WorkflowDocument {
  const problems = new ProblemList(source.file);
  const root = parseYaml(source.text, problems);
  const document = root === undefined ? undefined : readDocument(root, source.type, problems);
  problems.throwIfAny();
  // Without problems there is a document; the check tells it to the compiler.
  if (document === undefined) throw new Error(`${source.file}: refused without a problem`);
  return deepFreeze(document);
}

function readDocument(root: YamlNode, type: WorkflowType, problems: ProblemList): WorkflowDocument | undefined {
  const map = readMap(root, 'a workflow document', problems, {
    required: ['schemaVersion', 'steps'],
    optional: ['name', 'description', 'parameters', 'outputs'],
  });
  if (map === undefined) return undefined;
  const text = (key: string): string | undefined => {
    const node = field(map, key);
    return node === undefined ? undefined : readText(node, `'${key}'`, problems);
  };
  const version = field(map, 'schemaVersion');
  if (version !== undefined) readWord(version, "'schemaVersion'", ['1.0'], problems);
  const parameters = readItems(map, 'parameters', MAX_PARAMETERS, problems)
    .map((item) => readParameter(item, problems))
    .filter((parameter) => parameter !== undefined);
  noTwins(parameters, keyPosition(map, 'parameters'), 'parameters', problems);
  const { steps, names } = readSteps(map, type, parameters, problems);
  const outputs = readItems(map, 'outputs', MAX_OUTPUTS, problems)
    .map((item) => readOutput(item, names, problems))
    .filter((output) => output !== undefined);
  noTwins(outputs, keyPosition(map, 'outputs'), 'outputs', problems);
  return {
    schemaVersion: '1.0',
    name: text('name'),
    description: text('description'),
    type,
    parameters,
    steps,
    outputs,
  };
}

function readSteps(
  map: YamlMap,
  type: WorkflowType,
  parameters: readonly WorkflowParameter[],
  problems: ProblemList,
): { steps: readonly WorkflowStep[]; names: KnownNames } {
  const items = readItems(map, 'steps', MAX_STEPS, problems);
  if (field(map, 'steps')?.kind === 'list' && items.length === 0) {
    problems.add(keyPosition(map, 'steps'), 'A workflow needs at least one step.');
  }
  const named = items.map((item) => {
    const step = readMap(item, 'a step', problems);
    const node = step === undefined ? undefined : field(step, 'name');
    return { step, name: node === undefined ? undefined : readText(node, "'name' of a step", problems), node };
  });
  const allSteps = new Set(named.flatMap(({ name }) => (name === undefined ? [] : [name])));
  const stepsBefore = new Map<string, string>();
  const names: KnownNames = { parameters, stepsBefore, allSteps };
  const steps: WorkflowStep[] = [];
  for (const { step, name, node } of named) {
    if (step === undefined) continue;
    if (name !== undefined && node !== undefined && !STEP_NAME.test(name)) {
      const rule = 'a letter, then letters, digits, - and _, 2 to 100 characters';
      problems.add(node.position, `'${name}' cannot be the name of a step.`, rule);
    }
    if (name !== undefined && node !== undefined && stepsBefore.has(name)) {
      problems.add(node.position, `There are two steps with the name '${name}'.`);
    }
    const parsed = parseWorkflowStep(step, name ?? '', type, names, problems);
    if (parsed !== undefined) steps.push(parsed);
    const action = field(step, 'action');
    if (name !== undefined) stepsBefore.set(name, action?.kind === 'scalar' ? action.text : '');
  }
  return { steps, names };
}

function readParameter(node: YamlNode, problems: ProblemList): WorkflowParameter | undefined {
  const keys = { required: ['name'], optional: ['type', 'default', 'description'] };
  const map = readMap(node, 'a parameter', problems, keys);
  const nameNode = map === undefined ? undefined : field(map, 'name');
  const name = nameNode === undefined ? undefined : readText(nameNode, "'name' of a parameter", problems);
  if (map === undefined || nameNode === undefined || name === undefined) return undefined;
  if (!/^[A-Za-z0-9_-]+$/.test(name) || name.length > MAX_PARAMETER_NAME) {
    const rule = `letters, digits, - and _, at most ${MAX_PARAMETER_NAME}`;
    problems.add(nameNode.position, `'${name}' cannot be the name of a parameter.`, rule);
  }
  const typeNode = field(map, 'type');
  const type = (typeNode && readWord(typeNode, `'type' of parameter '${name}'`, PARAMETER_TYPES, problems)) ?? 'string';
  const defaultNode = field(map, 'default');
  const description = field(map, 'description');
  return {
    name,
    type,
    default: defaultNode && readParameterValue(defaultNode, `'default' of parameter '${name}'`, type, problems),
    description: description && readText(description, `'description' of parameter '${name}'`, problems),
  };
}

function readParameterValue(
  node: YamlNode,
  what: string,
  type: WorkflowValueType,
  problems: ProblemList,
): WorkflowValue | undefined {
  const readShortText = (item: YamlNode): string | undefined => {
    const text = readText(item, what, problems);
    if (text !== undefined && text.length > MAX_PARAMETER_VALUE) {
      problems.add(item.position, `${what} has ${text.length} characters; at most ${MAX_PARAMETER_VALUE} are allowed.`);
    }
    return text;
  };
  switch (type) {
    case 'boolean':
      return readBoolean(node, what, problems);
    case 'integer':
      return readInteger(node, what, problems);
    case 'string':
      return readShortText(node);
    case 'stringList':
      return readList(node, what, problems)
        ?.items.map(readShortText)
        .filter((item) => item !== undefined);
    default:
      return type satisfies never;
  }
}

function readOutput(node: YamlNode, names: KnownNames, problems: ProblemList): WorkflowOutput | undefined {
  const map = readMap(node, 'an output', problems, { required: ['name', 'value'], optional: [] });
  const nameNode = map === undefined ? undefined : field(map, 'name');
  const valueNode = map === undefined ? undefined : field(map, 'value');
  const name = nameNode === undefined ? undefined : readText(nameNode, "'name' of an output", problems);
  if (nameNode === undefined || valueNode === undefined || name === undefined) return undefined;
  if (!OUTPUT_NAME.test(name)) problems.add(nameNode.position, `'${name}' cannot be the name of an output.`);
  const text = readText(valueNode, `'value' of output '${name}'`, problems);
  if (text === undefined) return undefined;
  if (looksLikeReference(text)) {
    const reference = checkReference(text, valueNode.position, names, problems);
    return reference === undefined ? undefined : { name, value: reference };
  }
  checkText(text, valueNode.position, names, problems);
  return { name, value: text };
}

function readItems(map: YamlMap, key: string, max: number, problems: ProblemList): readonly YamlNode[] {
  const node = field(map, key);
  const items = node === undefined ? [] : (readList(node, `'${key}'`, problems)?.items ?? []);
  if (items.length > max) {
    problems.add(keyPosition(map, key), `There are ${items.length} ${key}; at most ${max} are allowed.`);
  }
  return items;
}

function noTwins(
  items: readonly { readonly name: string }[],
  position: { readonly line: number; readonly column: number },
  what: string,
  problems: ProblemList,
): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    if (seen.has(name)) problems.add(position, `There are two ${what} with the name '${name}'.`);
    seen.add(name);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
