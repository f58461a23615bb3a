import { setTimeout as delay } from 'node:timers/promises';
import type { DescribeExecutionOutput, SFNClient, SFNServiceException } from '@aws-sdk/client-sfn';
import { type AwsSettings, clientConfig } from '../../toe/services/aws-settings.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { ExecutionRequest, StateMachines } from '../state-machines.ts';

const POLL_MS = 2_000;

type Sdk = typeof import('@aws-sdk/client-sfn');
type Context = Parameters<StateMachines['execute']>[1];

/** AWS Step Functions, or what speaks its API. */
export function stepFunctions(settings: AwsSettings, pollMs = POLL_MS): StateMachines {
  let opened: ReturnType<typeof open> | undefined;
  return {
    execute: async (request, context) => {
      opened ??= open(settings);
      const { sdk, client } = await opened;
      const executionArn = await start(sdk, client, request, context);
      try {
        const { status, output, error, cause } = await untilEnded(sdk, client, { executionArn, pollMs }, context);
        if (status === 'SUCCEEDED') return { executionArn, output: output ?? '{}' };
        const why = [error, cause].filter((part) => part !== undefined).join(': ');
        throw new ExecutionFailed(`The execution ${executionArn} ended with ${status}${why && `: ${why}`}`, {
          kind: 'function failed',
        });
      } catch (thrown) {
        if (thrown instanceof ExecutionFailed) throw thrown;
        // Nobody waits for it any more.
        const { name: kind, message } = coerceError(context.signal.aborted ? context.signal.reason : thrown);
        await client
          .send(new sdk.StopExecutionCommand({ executionArn, cause: message.slice(0, 1000) }))
          .catch((error: unknown) => {
            context.monitor.line('kiln', `The execution could not be stopped: ${coerceError(error).message}`);
          });
        context.signal.throwIfAborted();
        throw failed(`The execution ${executionArn} cannot be followed: ${kind}: ${message}`);
      }
    },
    outliveCaller: async () => true,
  };
}

class ExecutionFailed extends BuildFailure {}

function failed(message: string): BuildFailure {
  return new BuildFailure(message, { kind: 'function failed' });
}

/** Gives the ARN of the execution of this name: a new one, or the one that is there. */
async function start(
  sdk: Sdk,
  client: SFNClient,
  { stateMachineArn, input, name }: ExecutionRequest,
  { signal, monitor }: Context,
): Promise<string> {
  try {
    const request = new sdk.StartExecutionCommand({ stateMachineArn, input, name });
    const { executionArn = '' } = await client.send(request, { abortSignal: signal });
    monitor.line('kiln', `Started the execution ${executionArn}`);
    return executionArn;
  } catch (thrown) {
    signal.throwIfAborted();
    const { name: kind, message } = coerceError(thrown);
    // A name that is taken is one of ours: the step went on while nobody heard of it. Source: Step Functions
    // API Reference, StartExecution.
    if (kind === 'ExecutionAlreadyExists') {
      const executionArn = executionArnOf(stateMachineArn, name);
      monitor.line('kiln', `Found the execution ${executionArn}, which had been started`);
      return executionArn;
    }
    throw failed(`The state machine ${stateMachineArn} could not be started: ${kind}: ${message}`);
  }
}

/** A version or an alias of a state machine is not part of it. */
function executionArnOf(stateMachineArn: string, name: string): string {
  const [arn, partition, service, region, account, , machine] = stateMachineArn.split(':');
  return [arn, partition, service, region, account, 'execution', machine, name].join(':');
}

/** How the execution ended. A service that does not answer is asked again, for as long as the step has. */
async function untilEnded(
  sdk: Sdk,
  client: SFNClient,
  { executionArn, pollMs }: { readonly executionArn: string; readonly pollMs: number },
  { signal, monitor }: Context,
): Promise<DescribeExecutionOutput> {
  let isAway = false;
  for (;;) {
    try {
      const found = await client.send(new sdk.DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
      if (found.status !== 'RUNNING') return found;
      isAway = false;
    } catch (thrown) {
      if (signal.aborted || isRefusal(thrown)) throw thrown;
      if (!isAway) monitor.line('kiln', `The execution is asked for again: ${coerceError(thrown).message}`);
      isAway = true;
    }
    await delay(pollMs, undefined, { signal });
  }
}

/** Whether the service answered, and will answer the same the next time. */
function isRefusal(thrown: unknown): boolean {
  const { name, $metadata: { httpStatusCode = 0 } = {} } = thrown as Partial<SFNServiceException>;
  return [400, 403, 404].includes(httpStatusCode) && !/Thrott|TooManyRequests|Expired/.test(name ?? '');
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
  outliveCaller: async () => true,
};
