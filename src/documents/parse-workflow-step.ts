import type { ProblemList } from '../util/problem-list.ts';
import {
  checkKeys,
  field,
  readBoolean,
  readInteger,
  readMap,
  readText,
  readWord,
  suggestion,
} from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import { parseCondition } from './parse-workflow-condition.ts';
import { readInputs } from './parse-workflow-inputs.ts';
import type { WorkflowStep } from './workflow.ts';
import {
  ACTIONS_NOT_YET,
  isWorkflowAction,
  WORKFLOW_ACTIONS,
  type WorkflowActionName,
  type WorkflowType,
  workflowAction,
} from './workflow-actions.ts';
import { checkReference, type KnownNames } from './workflow-names.ts';
import { looksLikeReference, type Reference } from './workflow-references.ts';

const STEP_KEYS = {
  required: ['name', 'action'],
  optional: ['description', 'if', 'inputs', 'onFailure', 'rollbackEnabled', 'timeoutSeconds', 'waitSeconds', 'retry'],
};
const MAX_ATTEMPTS = 10;
const MAX_BACKOFF_SECONDS = 600;
const DEFAULT_BACKOFF_SECONDS = 30;

/** Reads one step; undefined when something in it is wrong. `name` was read and checked before. */
export function parseWorkflowStep(
  map: YamlMap,
  name: string,
  type: WorkflowType,
  names: KnownNames,
  problems: ProblemList,
): WorkflowStep | undefined {
  const before = problems.count;
  const what = `step '${name}'`;
  checkKeys(map, what, STEP_KEYS, problems);
  const action = readAction(map, type, problems);
  if (action === undefined) return undefined;
  const definition = workflowAction(action);

  const read = <T>(key: string, reader: (node: YamlNode) => T | undefined): T | undefined => {
    const node = field(map, key);
    return node === undefined ? undefined : reader(node);
  };
  const inRange = (key: string, min: number, max: number): number | undefined =>
    read(key, (node) => readWithin(node, `'${key}' of ${what}`, min, max, problems));

  const timeoutSeconds = inRange('timeoutSeconds', 1, definition.maxTimeoutSeconds) ?? definition.defaultTimeoutSeconds;
  const inputs = read('inputs', (node) => readMap(node, "'inputs'", problems));
  const retry = read('retry', (node) => readRetry(node, `'retry' of ${what}`, problems));
  const step: WorkflowStep = {
    name,
    action,
    description: read('description', (node) => readDescription(node, `'description' of ${what}`, problems)),
    condition: read('if', (node) => parseCondition(node, names, problems)),
    inputs: readInputs(inputs, { what: action, position: map.position }, definition.inputs, { names, problems }),
    onFailure:
      read('onFailure', (node) => readWord(node, `'onFailure' of ${what}`, ['Abort', 'Continue'], problems)) ?? 'Abort',
    rollbackEnabled: read('rollbackEnabled', (node) => readRollback(node, what, names, problems)) ?? true,
    timeoutSeconds,
    waitSeconds: inRange('waitSeconds', 0, timeoutSeconds - 1) ?? 0,
    maxAttempts: retry?.maxAttempts ?? 1,
    backoffSeconds: retry?.backoffSeconds ?? DEFAULT_BACKOFF_SECONDS,
    position: map.position,
  };
  return problems.count === before ? step : undefined;
}

function readAction(map: YamlMap, type: WorkflowType, problems: ProblemList): WorkflowActionName | undefined {
  const node = field(map, 'action');
  const name = node === undefined ? undefined : readText(node, "'action'", problems);
  if (node === undefined || name === undefined) return undefined;
  const known = Object.keys(WORKFLOW_ACTIONS);
  if (!isWorkflowAction(name)) {
    if (ACTIONS_NOT_YET.includes(name)) {
      problems.add(node.position, `Kiln does not have the action ${name} yet.`, `allowed: ${known.join(', ')}`);
    } else {
      problems.add(node.position, `There is no action '${name}'.`, suggestion(name, known));
    }
    return undefined;
  }
  const { stages } = workflowAction(name);
  if (stages.includes(type)) return name;
  problems.add(node.position, `${name} is not allowed in ${type} workflows.`, `it is in ${stages.join(' and ')}`);
  return undefined;
}

function readRollback(
  node: YamlNode,
  what: string,
  names: KnownNames,
  problems: ProblemList,
): boolean | Reference | undefined {
  if (node.kind === 'scalar' && looksLikeReference(node.text)) {
    return checkReference(node.text, node.position, names, problems);
  }
  return readBoolean(node, `'rollbackEnabled' of ${what}`, problems);
}

function readRetry(
  node: YamlNode,
  what: string,
  problems: ProblemList,
): { maxAttempts: number; backoffSeconds: number } | undefined {
  const map = readMap(node, what, problems, { required: ['maxAttempts'], optional: ['backoffSeconds'] });
  const attempts = map === undefined ? undefined : field(map, 'maxAttempts');
  const backoff = map === undefined ? undefined : field(map, 'backoffSeconds');
  return {
    maxAttempts: (attempts && readWithin(attempts, `'maxAttempts' of ${what}`, 1, MAX_ATTEMPTS, problems)) ?? 1,
    backoffSeconds:
      (backoff && readWithin(backoff, `'backoffSeconds' of ${what}`, 0, MAX_BACKOFF_SECONDS, problems)) ??
      DEFAULT_BACKOFF_SECONDS,
  };
}

function readDescription(node: YamlNode, what: string, problems: ProblemList): string | undefined {
  const text = readText(node, what, problems);
  if (text !== undefined && (text.length < 1 || text.length > 1024)) {
    problems.add(node.position, `${what} must have 1 to 1024 characters.`);
  }
  return text;
}

function readWithin(node: YamlNode, what: string, min: number, max: number, problems: ProblemList): number | undefined {
  const value = readInteger(node, what, problems);
  if (value === undefined || (value >= min && value <= max)) return value;
  problems.add(node.position, `${what} must be from ${min} to ${max}, not ${value}.`);
  return undefined;
}
