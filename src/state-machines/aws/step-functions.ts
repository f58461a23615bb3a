import { setTimeout as delay } from 'node:timers/promises';
import { type AwsSettings, clientConfig } from '../../toe/services/aws-settings.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { StateMachines } from '../state-machines.ts';

const POLL_MS = 2_000;

/** AWS Step Functions, or what speaks its API. */
export function stepFunctions(settings: AwsSettings): StateMachines {
  let opened: ReturnType<typeof open> | undefined;
  return {
    execute: async ({ stateMachineArn, input, name }, { signal, monitor }) => {
      opened ??= open(settings);
      const { sdk, client } = await opened;
      const executionArn = await client
        .send(new sdk.StartExecutionCommand({ stateMachineArn, input, name }), { abortSignal: signal })
        .then(({ executionArn: arn = '' }) => arn)
        .catch((thrown: unknown) => {
          signal.throwIfAborted();
          const { name: kind, message } = coerceError(thrown);
          throw new BuildFailure(`The state machine ${stateMachineArn} could not be started: ${kind}: ${message}`);
        });
      monitor.line('kiln', `Started the execution ${executionArn}`);
      try {
        for (;;) {
          const found = await client.send(new sdk.DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
          if (found.status === 'SUCCEEDED') return { executionArn, output: found.output ?? '{}' };
          if (found.status !== 'RUNNING') {
            const why = [found.error, found.cause].filter((part) => part !== undefined).join(': ');
            throw new BuildFailure(`The execution ${executionArn} ended with ${found.status}${why && `: ${why}`}`);
          }
          await delay(POLL_MS, undefined, { signal });
        }
      } catch (thrown) {
        if (thrown instanceof BuildFailure) throw thrown;
        if (!signal.aborted) {
          const { name: kind, message } = coerceError(thrown);
          throw new BuildFailure(`The execution ${executionArn} cannot be followed: ${kind}: ${message}`);
        }
        // Nobody waits for it any more.
        const cause = coerceError(signal.reason).message.slice(0, 1000);
        await client.send(new sdk.StopExecutionCommand({ executionArn, cause })).catch((error: unknown) => {
          monitor.line('kiln', `The execution could not be stopped: ${coerceError(error).message}`);
        });
        throw signal.reason;
      }
    },
  };
}

async function open(settings: AwsSettings) {
  const sdk = await import('@aws-sdk/client-sfn');
  return { sdk, client: new sdk.SFNClient(clientConfig(settings)) };
}

/** When nothing is configured: no state machine is there. */
export const noStateMachines: StateMachines = {
  execute: async ({ stateMachineArn }) => {
    throw new BuildFailure(`There is no state machine '${stateMachineArn}'`, {
      hint: '`kiln state-machine add` registers one; AWS_ENDPOINT_URL_SFN and credentials reach a service that has some.',
    });
  },
};
