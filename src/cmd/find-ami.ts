import { UsageError } from './command.ts';
import type { Config } from './config.ts';
import { connect } from './connect.ts';

/** The AMI that an argument means: an AMI id, or the ARN of an image that was built. */
export async function findAmi(argument: string, config: Config, signal: AbortSignal): Promise<string> {
  if (isAmiId(argument)) return argument;
  if (!argument.startsWith('arn:')) throw new UsageError(`'${argument}' is neither an AMI id nor an image ARN`);
  const { GetImageCommand } = await import('@aws-sdk/client-imagebuilder');
  await using connection = await connect(config, signal, { builds: false });
  const command = new GetImageCommand({ imageBuildVersionArn: argument });
  const { image } = await connection.client.send(command, { abortSignal: signal });
  const amiId = image?.outputResources?.amis?.[0]?.image;
  if (amiId === undefined) throw new UsageError(`the image is ${image?.state?.status ?? 'unknown'} and has no AMI`);
  return amiId;
}

/** @throws UsageError unless the argument is an ARN. */
export function requireImageArn(argument: string): string {
  if (argument.startsWith('arn:')) return argument;
  throw new UsageError(`'${argument}' is no image ARN; kiln images lists them`);
}

export function isAmiId(text: string): boolean {
  return /^ami-[0-9a-f]{17}$/.test(text);
}
