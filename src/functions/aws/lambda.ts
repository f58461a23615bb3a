import { type AwsSettings, clientConfig } from '../../toe/services/aws-settings.ts';
import { BuildFailure, coerceError } from '../../util/faults.ts';
import type { Functions } from '../functions.ts';

/** AWS Lambda, or what speaks its API. */
export function lambdaFunctions(settings: AwsSettings): Functions {
  let opened: ReturnType<typeof open> | undefined;
  const send = async (name: string, event: string, type: 'Event' | 'RequestResponse', signal: AbortSignal) => {
    opened ??= open(settings);
    const { sdk, client } = await opened;
    const request = new sdk.InvokeCommand({ FunctionName: name, InvocationType: type, Payload: Buffer.from(event) });
    try {
      return await client.send(request, { abortSignal: signal });
    } catch (thrown) {
      signal.throwIfAborted();
      const { name: kind, message } = coerceError(thrown);
      throw new BuildFailure(`The function '${name}' could not be invoked: ${kind}: ${message}`, {
        kind: 'function failed',
      });
    }
  };
  return {
    // Image Builder invokes functions asynchronously.
    invoke: async (name, event, { signal, monitor }) => {
      await send(name, event, 'Event', signal);
      monitor.line('kiln', `The function ${name} was invoked`);
    },
    call: async (name, event, { signal }) => {
      const answer = await send(name, event, 'RequestResponse', signal);
      const text = Buffer.from(answer.Payload ?? []).toString();
      if (answer.FunctionError === undefined) return text;
      throw new BuildFailure(`The function '${name}' failed: ${answer.FunctionError}: ${text.slice(0, 1000)}`, {
        kind: 'function failed',
      });
    },
  };
}

async function open(settings: AwsSettings) {
  const sdk = await import('@aws-sdk/client-lambda');
  return { sdk, client: new sdk.LambdaClient(clientConfig(settings)) };
}

/** When nothing is configured: no function is there. */
export const noFunctions: Functions = { invoke: async (name) => refuse(name), call: async (name) => refuse(name) };

function refuse(name: string): never {
  throw new BuildFailure(`There is no function '${name}'`, {
    hint: '`kiln function add` registers one; AWS_ENDPOINT_URL_LAMBDA and credentials reach a service that has some.',
  });
}
