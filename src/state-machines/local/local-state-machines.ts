import type { Functions } from '../../functions/functions.ts';
import type { StateMachines } from '../state-machines.ts';
import type { StateMachineRegistry } from './registry.ts';
import { runExecution } from './run-execution.ts';

export interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** The state machines of this machine, and for all others those of a service, if there is one. */
export function localStateMachines(
  registry: StateMachineRegistry,
  { accountId, region }: Place,
  functions: Functions,
  others: StateMachines,
): StateMachines {
  const prefix = `arn:aws:states:${region}:${accountId}:stateMachine:`;
  const nameOf = (arn: string): string => (arn.startsWith(prefix) ? arn.slice(prefix.length) : '');
  return {
    execute: async (request, context) => {
      const { stateMachineArn, name, input } = request;
      const machine = nameOf(stateMachineArn);
      const definition = await registry.find(machine);
      if (definition === undefined) return others.execute(request, context);
      const executionArn = `arn:aws:states:${region}:${accountId}:execution:${machine}:${name}`;
      context.monitor.line('kiln', `Starting the execution ${executionArn}`);
      const output = await runExecution({ executionArn, name, definition, input }, functions, context);
      return { executionArn, output };
    },
    outliveCaller: async (arn) => (await registry.find(nameOf(arn))) === undefined && others.outliveCaller(arn),
  };
}
