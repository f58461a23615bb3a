import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Where the AWS CLI finds a service, and how it proves that it may. */
export interface CliPlace {
  readonly url: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** A folder without a configuration of the AWS CLI. */
  readonly folder: string;
}

export type Cli = (operation: string, ...args: readonly string[]) => Promise<Record<string, unknown>>;

/**
 * Debian's AWS CLI for one service. It does not read `AWS_ENDPOINT_URL_IMAGEBUILDER`, so the endpoint is an option.
 * Rejects with what it wrote to standard error.
 */
export function awsCli({ url, region, credentials, folder }: CliPlace): Cli {
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
  };
  return async (operation, ...args) => {
    const options = ['imagebuilder', operation, '--endpoint-url', url, '--output', 'json', '--no-cli-pager'];
    const { stdout } = await promisify(execFile)('/usr/bin/aws', [...options, ...args], { env: environment });
    return stdout.trim() === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
  };
}
