import { formatFunctionArn, namedFunction } from '../function-name.ts';
import type { Functions, InvocationContext } from '../functions.ts';
import type { FunctionRegistry, LocalFunction } from './registry.ts';
import { runFunction } from './run-function.ts';

export interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** The functions of this machine, and for all others those of a service, if there is one. */
export function localFunctions(registry: FunctionRegistry, place: Place, others: Functions): Functions {
  const run = async (definition: LocalFunction, event: string, context: InvocationContext): Promise<string> => {
    context.monitor.line('kiln', `Invoking the function ${definition.name}`);
    const functionArn = formatFunctionArn(definition.name, place);
    const code = registry.codeOf(definition.name);
    return runFunction({ definition, code, event, functionArn, region: place.region }, context);
  };
  const find = async (wanted: string): Promise<LocalFunction | undefined> => {
    const named = namedFunction(wanted);
    if (named === undefined) return undefined;
    const { name, accountId = place.accountId, region = place.region } = named;
    return accountId === place.accountId && region === place.region ? registry.find(name) : undefined;
  };
  return {
    invoke: async (wanted, event, context) => {
      const definition = await find(wanted);
      if (definition === undefined) await others.invoke(wanted, event, context);
      else await run(definition, event, context);
    },
    call: async (wanted, event, context) => {
      const definition = await find(wanted);
      return definition === undefined ? others.call(wanted, event, context) : run(definition, event, context);
    },
  };
}
