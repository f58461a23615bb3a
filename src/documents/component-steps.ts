import { didYouMean, type SourcePosition } from '../util/problem.ts';
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
  wrongType,
} from '../util/yaml-reader.ts';
import type { YamlMap, YamlNode } from '../util/yaml-source.ts';
import { ACTION_MODULES, findActionModule } from './action-modules/index.ts';
import type { ActionModule, DocumentOs } from './action-modules/module.ts';
import type { Step, StepCondition, StepInputs } from './component.ts';
import { readCondition } from './component-conditions.ts';
import { readInputs } from './component-inputs.ts';
import { readLoop } from './component-loops.ts';
import { checkReferences, type ReferenceScope } from './component-references.ts';

export const DEFAULT_TIMEOUT_SECONDS = 7200;

const STEP_KEYS = {
  required: ['name', 'action'],
  optional: ['timeoutSeconds', 'onFailure', 'maxAttempts', 'if', 'loop', 'disableLogging', 'inputs'],
};

/** Reads one step; undefined when something is wrong with it. */
export function readStep(
  node: YamlNode,
  phase: string,
  os: DocumentOs,
  scope: ReferenceScope,
  problems: ProblemList,
): Step | undefined {
  const map = readMap(node, 'step', problems);
  if (map === undefined) return undefined;
  const before = problems.count;
  checkKeys(map, 'the step', STEP_KEYS, problems);
  const name = readStepName(map, phase, problems);
  const action = optional(map, 'action', (value) => readText(value, 'action', problems));
  const module = action === undefined ? undefined : readAction(map, action, os, problems);
  const timeoutSeconds = optional(map, 'timeoutSeconds', (value) => readTimeout(value, problems));
  const onFailure = optional<Step['onFailure']>(map, 'onFailure', (value) =>
    readWord(value, 'onFailure', ['Abort', 'Continue', 'Ignore'], problems),
  );
  const maxAttempts = optional(map, 'maxAttempts', (value) => readAttempts(value, problems));
  const disableLogging = optional(map, 'disableLogging', (value) => readBoolean(value, 'disableLogging', problems));
  const condition = optional(map, 'if', (value) => readIf(value, problems));
  const loop = optional(map, 'loop', (value) => readLoop(value, problems));
  if (module?.ownTime === true) checkOwnTime(map, module, timeoutSeconds, maxAttempts, problems);
  const inputs = module === undefined ? undefined : readStepInputs(map, name ?? '', phase, module, os, problems);
  for (const key of ['inputs', 'if', 'loop']) {
    const value = field(map, key);
    if (value !== undefined) checkReferences(value, scope, problems);
  }
  if (problems.count > before || name === undefined || module === undefined || inputs === undefined) return undefined;
  return {
    name,
    action: module.name,
    timeoutSeconds: module.untimed === true ? -1 : (timeoutSeconds ?? defaultTimeout(module)),
    onFailure: onFailure ?? 'Abort',
    maxAttempts: maxAttempts ?? 1,
    disableLogging: disableLogging ?? false,
    condition,
    loop,
    inputs,
    listInputs: module.shape === 'list',
    position: map.position,
  };
}

function defaultTimeout({ ownTime }: ActionModule): number {
  return ownTime === true ? -1 : DEFAULT_TIMEOUT_SECONDS;
}

function optional<Value>(map: YamlMap, key: string, read: (node: YamlNode) => Value | undefined): Value | undefined {
  const node = field(map, key);
  return node === undefined ? undefined : read(node);
}

/** AWS's own words for a bad name, so that what people search for is found. */
function readStepName(map: YamlMap, phase: string, problems: ProblemList): string | undefined {
  const node = field(map, 'name');
  const name = node === undefined ? undefined : readText(node, 'the name of the step', problems);
  if (node === undefined || name === undefined || /^[0-9A-Za-z_-]+$/.test(name)) return name;
  problems.add(
    node.position,
    `Invalid step name '${name}' in phase '${phase}'. Allowed characters are combinations of numbers [0-9], english letters [a-z,A-Z] and special characters [-_].`,
  );
  return undefined;
}

function readAction(map: YamlMap, action: string, os: DocumentOs, problems: ProblemList): ActionModule | undefined {
  const position = field(map, 'action')?.position ?? map.position;
  const module = findActionModule(action);
  if (module === undefined) {
    problems.add(position, `There is no action module '${action}'.`, suggestion(action, Object.keys(ACTION_MODULES)));
    return undefined;
  }
  if (!module.platforms.includes(os)) {
    problems.add(
      position,
      `${action} does not run on ${OS_NAMES[os]}.`,
      `it runs on ${module.platforms.map((each) => OS_NAMES[each]).join(', ')}`,
    );
  }
  return module;
}

const OS_NAMES: Readonly<Record<DocumentOs, string>> = { linux: 'Linux', macos: 'macOS', windows: 'Windows' };

function readTimeout(node: YamlNode, problems: ProblemList): number | undefined {
  const seconds = readInteger(node, 'timeoutSeconds', problems);
  if (seconds === undefined || seconds > 0 || seconds === -1) return seconds;
  problems.add(
    node.position,
    `timeoutSeconds cannot be ${seconds}.`,
    'a positive number of seconds, or -1 for no limit',
  );
  return undefined;
}

function readAttempts(node: YamlNode, problems: ProblemList): number | undefined {
  const attempts = readInteger(node, 'maxAttempts', problems);
  if (attempts === undefined || attempts >= 1) return attempts;
  problems.add(node.position, `maxAttempts cannot be ${attempts}.`, 'it counts the first attempt too: at least 1');
  return undefined;
}

function checkOwnTime(
  map: YamlMap,
  { name }: ActionModule,
  timeoutSeconds: number | undefined,
  maxAttempts: number | undefined,
  problems: ProblemList,
): void {
  const place = (key: string): SourcePosition => field(map, key)?.position ?? map.position;
  if ((timeoutSeconds ?? -1) !== -1)
    problems.add(place('timeoutSeconds'), `${name} has no time limit of its own.`, 'leave it out, or -1');
  if ((maxAttempts ?? 1) !== 1) problems.add(place('maxAttempts'), `${name} is attempted once.`, 'leave it out, or 1');
}

function readIf(node: YamlNode, problems: ProblemList): StepCondition | undefined {
  // An older page of the guide draws `if` as a list of one.
  const only = node.kind === 'list' && node.items.length === 1 ? node.items[0] : node;
  if (only?.kind !== 'map') return wrongType(node, 'if', 'a map with one operator', problems);
  const condition = readCondition(only, "The condition of 'if'", problems, ['then', 'else']);
  const outcome = (key: 'then' | 'else'): StepCondition['whenTrue'] | undefined =>
    optional(only, key, (value) => readWord(value, key, ['Execute', 'Skip', 'Abort'], problems));
  const whenTrue = outcome('then') ?? 'Execute';
  const whenFalse = outcome('else') ?? 'Skip';
  return condition === undefined ? undefined : { condition, whenTrue, whenFalse };
}

function isUnknownNear(key: string): boolean {
  const known = [...STEP_KEYS.required, ...STEP_KEYS.optional];
  return !known.includes(key) && didYouMean(key, known) === 'inputs';
}

function readStepInputs(
  map: YamlMap,
  step: string,
  phase: string,
  module: ActionModule,
  os: DocumentOs,
  problems: ProblemList,
): readonly StepInputs[] | undefined {
  const node = field(map, 'inputs');
  const empty =
    node === undefined ||
    (node.kind === 'scalar' && node.value === null) ||
    (node.kind === 'list' && node.items.length === 0) ||
    (node.kind === 'map' && node.entries.length === 0);
  if (!empty) return readInputs(node, module, os, problems);
  if (module.inputsOptional) return [{}];
  // A slip of the pen in the key itself is told already.
  if (node === undefined && map.entries.some(({ key }) => isUnknownNear(key))) return undefined;
  problems.add(
    node?.position ?? map.position,
    `Parsing step '${step}' in phase '${phase}' failed. Error: Action ${module.name} has no inputs; it requires an 'inputs'.`,
  );
  return undefined;
}
