import { setImmediate as soon } from 'node:timers/promises';
import type { Engine } from '../../src/engine/engine.ts';
import { BuildFailure } from '../../src/util/faults.ts';

export const STATE_MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:';

/** What workflows reach beyond their instances, and what it saw of them. */
export class Outside {
  /** Executions that were begun, by their names. */
  readonly executions = new Set<string>();
  /** Steps that a function was told of. */
  readonly told = new Set<string>();
  readonly parameters = new Map<string, string>();

  readonly ports: Required<Pick<Engine, 'functions' | 'stateMachines' | 'putParameter'>> = {
    functions: {
      invoke: async (_, event) => {
        await soon();
        this.told.add((JSON.parse(event) as { workflowStepExecutionId: string }).workflowStepExecutionId);
      },
      call: async () => 'null',
    },
    stateMachines: {
      execute: async ({ stateMachineArn, name }) => {
        this.executions.add(name);
        await soon();
        if (stateMachineArn.endsWith('-fails')) throw new BuildFailure('The execution ended with FAILED');
        return { executionArn: `${stateMachineArn}:${name}`, output: '{}' };
      },
      outliveCaller: async (stateMachineArn) => !stateMachineArn.includes(':here'),
    },
    putParameter: async ({ name, value }) => {
      await soon();
      this.parameters.set(name, value);
    },
  };
}
