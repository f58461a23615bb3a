import { StateMachine } from 'aws-local-stepfunctions';
import type { Functions, InvocationContext } from '../../functions/functions.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import { LAMBDA_INVOKE } from './check-definition.ts';
import { type Definition, VALIDATION } from './registry.ts';

type Handlers = Readonly<Record<string, (input: unknown) => Promise<unknown>>>;

export interface LocalExecution {
  readonly executionArn: string;
  readonly name: string;
  readonly definition: Definition;
  /** JSON. */
  readonly input: string;
}

/** Interprets a state machine to its end; its tasks are functions. Gives its output as JSON. */
export async function runExecution(
  { executionArn, name, definition, input }: LocalExecution,
  functions: Functions,
  context: InvocationContext,
): Promise<string> {
  const { signal } = context;
  signal.throwIfAborted();
  const machine = new StateMachine(definition, VALIDATION);
  const value = JSON.parse(input) as Parameters<StateMachine['run']>[0];
  const handlers = taskHandlers(definition, functions, context);
  const execution = machine.run(value, {
    overrides: { taskResourceLocalHandlers: handlers as never },
    context: { Execution: { Id: executionArn, Name: name, Input: value, StartTime: new Date().toISOString() } },
  });
  const onAbort = (): void => execution.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [result] = await Promise.all([execution.result, follow(execution.eventLogs, context)]);
    return JSON.stringify(result);
  } catch (thrown) {
    signal.throwIfAborted();
    const { name: kind, message } = coerceError(thrown);
    throw new BuildFailure(`The execution ${executionArn} failed: ${kind}: ${message}`, { kind: 'function failed' });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function follow(
  events: ReturnType<StateMachine['run']>['eventLogs'],
  { monitor }: InvocationContext,
): Promise<void> {
  for await (const event of events) {
    if (event.type === 'StateEntered') monitor.line('kiln', `State ${event.state.name}`);
  }
}

/** A handler for every task, also of branches and maps: names of states are unique in a state machine. */
function taskHandlers(machine: object, functions: Functions, context: InvocationContext): Handlers {
  const { States: states = {} } = machine as { States?: Readonly<Record<string, Record<string, unknown>>> };
  const handlers: Record<string, (input: unknown) => Promise<unknown>> = {};
  for (const [name, state] of Object.entries(states)) {
    if (state['Type'] === 'Task') handlers[name] = handlerOf(String(state['Resource']), functions, context);
    const inner = [...((state['Branches'] ?? []) as object[]), state['Iterator'], state['ItemProcessor']];
    for (const one of inner) {
      if (typeof one === 'object' && one !== null) Object.assign(handlers, taskHandlers(one, functions, context));
    }
  }
  return handlers;
}

function handlerOf(
  resource: string,
  functions: Functions,
  context: InvocationContext,
): (input: unknown) => Promise<unknown> {
  const call = async (name: string, payload: unknown): Promise<unknown> =>
    JSON.parse(await functions.call(name, JSON.stringify(payload ?? {}), context)) as unknown;
  if (!LAMBDA_INVOKE.test(resource)) return (input) => call(resource, input);
  return async (input) => {
    const { FunctionName: name, Payload: payload } = input as { FunctionName?: unknown; Payload?: unknown };
    return { Payload: await call(String(name), payload), StatusCode: 200, ExecutedVersion: '$LATEST' };
  };
}
