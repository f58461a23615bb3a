import type { ParameterStore } from '../run-services.ts';
import { type AwsSettings, clientConfig } from './aws-settings.ts';

/** AWS Systems Manager Parameter Store. The SDK is loaded when it is first needed. */
export function ssmParameters(settings: AwsSettings): ParameterStore {
  let opened: ReturnType<typeof open> | undefined;
  return async (name, signal) => {
    opened ??= open(settings);
    const { sdk, client } = await opened;
    try {
      const request = new sdk.GetParameterCommand({ Name: name, WithDecryption: true });
      const { Parameter: parameter } = await client.send(request, { abortSignal: signal });
      if (parameter?.Value === undefined) return undefined;
      return { value: parameter.Value, secret: parameter.Type === 'SecureString' };
    } catch (error) {
      if (error instanceof sdk.ParameterNotFound) return undefined;
      const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      throw new Error(`Parameter Store does not give ${name}: ${what}`, { cause: error });
    }
  };
}

async function open(settings: AwsSettings) {
  const sdk = await import('@aws-sdk/client-ssm');
  return { sdk, client: new sdk.SSMClient(clientConfig(settings)) };
}
