import { namedFunction } from '../../functions/function-name.ts';

/** The service integration that takes the name of the function from the parameters. */
export const LAMBDA_INVOKE = /^arn:aws[a-z-]*:states:::lambda:invoke$/;

type Json = Readonly<Record<string, unknown>>;

/** Members of states that the interpreter would ignore: each with what it is for. */
const IGNORED: Readonly<Record<string, string>> = {
  Assign: 'variables',
  Arguments: 'JSONata',
  Output: 'JSONata',
  Items: 'JSONata',
  Condition: 'JSONata',
  HeartbeatSeconds: 'heartbeats of tasks',
  HeartbeatSecondsPath: 'heartbeats of tasks',
  Credentials: 'roles of tasks',
  ItemReader: 'maps over files',
  ItemBatcher: 'batches of map items',
  ResultWriter: 'maps that write files',
  ToleratedFailureCount: 'maps that tolerate failures',
  ToleratedFailurePercentage: 'maps that tolerate failures',
};

/**
 * What a state machine asks for that Kiln's interpreter does not do, and would pass over in silence: JSONata, variables,
 * task tokens, and tasks that are not functions. Every problem at once, each with its state.
 */
export function unsupportedInStateMachine(definition: unknown): readonly string[] {
  if (!isMap(definition)) return ['A state machine is a JSON object.'];
  const problems: string[] = [];
  checkMachine(definition, '', problems);
  return problems;
}

function checkMachine(machine: Json, place: string, problems: string[]): void {
  if (machine['QueryLanguage'] !== undefined && machine['QueryLanguage'] !== 'JSONPath') {
    problems.push(`${place || 'The state machine'}: QueryLanguage must be JSONPath; JSONata is not supported.`);
  }
  const { ProcessorConfig: processor } = machine;
  if (isMap(processor) && processor['Mode'] === 'DISTRIBUTED') {
    problems.push(`${place}: distributed maps are not supported.`);
  }
  const states = isMap(machine['States']) ? machine['States'] : {};
  for (const [name, state] of Object.entries(states)) {
    if (isMap(state)) checkState(state, place === '' ? name : `${place} / ${name}`, problems);
  }
}

function checkState(state: Json, place: string, problems: string[]): void {
  if (state['QueryLanguage'] !== undefined && state['QueryLanguage'] !== 'JSONPath') {
    problems.push(`${place}: QueryLanguage must be JSONPath; JSONata is not supported.`);
  }
  for (const [member, what] of Object.entries(IGNORED)) {
    if (Object.hasOwn(state, member)) problems.push(`${place}: ${member} (${what}) is not supported.`);
  }
  if (state['Type'] === 'Task') checkTask(state, place, problems);
  for (const catcher of listOf(state['Catch'])) {
    if (isMap(catcher) && 'Assign' in catcher) problems.push(`${place}: Assign (variables) is not supported.`);
  }
  checkVariables(state, place, problems);
  for (const branch of [...listOf(state['Branches']), state['Iterator'], state['ItemProcessor']]) {
    if (isMap(branch)) checkMachine(branch, place, problems);
  }
}

function checkTask(state: Json, place: string, problems: string[]): void {
  const resource = String(state['Resource'] ?? '');
  if (resource.endsWith('.waitForTaskToken')) {
    problems.push(`${place}: task tokens (${resource}) are not supported.`);
  } else if (LAMBDA_INVOKE.test(resource)) {
    const { FunctionName: name, 'FunctionName.$': path } = (state['Parameters'] ?? {}) as Json;
    if (name === undefined && path === undefined) problems.push(`${place}: Parameters has no FunctionName.`);
  } else if (namedFunction(resource) === undefined || !resource.startsWith('arn:')) {
    problems.push(`${place}: the resource ${resource} is not supported; tasks are functions.`);
  }
}

/** `$name` is a variable; `$` and `$$` are the input and the context. */
function checkVariables(state: Json, place: string, problems: string[]): void {
  const { Branches: _, Iterator: __, ItemProcessor: ___, ...own } = state;
  const used = textsOf(own).find((text) => /^\$[A-Za-z_]/.test(text));
  if (used !== undefined) problems.push(`${place}: the variable in ${used} is not supported.`);
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
