import type { CommandContext } from '../command.ts';
import { UsageError } from '../command.ts';
import type { FetchDocument } from './documents.ts';

/** Gets component documents that are not files of this machine. */
export function fetcher(context: CommandContext, bucketOwner: string | undefined): FetchDocument {
  return async (id, signal) => {
    if (id.startsWith('s3://')) return fetchFromS3(id, bucketOwner, signal);
    return fetchComponent(id, context, signal);
  };
}

async function fetchFromS3(id: string, _owner: string | undefined, _signal: AbortSignal): Promise<string> {
  throw new UsageError(`${id}: Kiln does not read documents from S3 yet`);
}

/**
 * A component's document from the service that `AWSTOE_IMAGEBUILDER_ENDPOINT` names (signed with the AWS keys of the
 * environment), else from the Kiln service of this home.
 */
async function fetchComponent(arn: string, { config }: CommandContext, signal: AbortSignal): Promise<string> {
  const { createClient } = await import('../service-client.ts');
  const { environment } = config;
  const endpoint = environment['AWSTOE_IMAGEBUILDER_ENDPOINT'];
  const { ensureCredentials } = await import('../credentials.ts');
  const own = await ensureCredentials(config.home);
  const { findOwner } = await import('../../state/home-lock.ts');
  const url = endpoint ?? (await findOwner(config.home.path))?.url;
  if (url === undefined) {
    throw new UsageError(`${arn}: no Kiln service runs, and AWSTOE_IMAGEBUILDER_ENDPOINT names no other`);
  }
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  const given = endpoint !== undefined && accessKeyId !== undefined && secretAccessKey !== undefined;
  const sessionToken = environment['AWS_SESSION_TOKEN'];
  const credentials = given
    ? { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
    : own;
  const region = environment['AWS_REGION'] ?? config.region ?? own.region;
  const client = await createClient({ url, region, credentials });
  try {
    const { GetComponentCommand } = await import('@aws-sdk/client-imagebuilder');
    const buildVersion = await newestBuild(arn, client, signal);
    const answer = await client.send(new GetComponentCommand({ componentBuildVersionArn: buildVersion }), {
      abortSignal: signal,
    });
    const data = answer.component?.data;
    if (data === undefined) throw new UsageError(`${arn}: the service gave no document`);
    return data;
  } finally {
    client.destroy();
  }
}

type Client = Awaited<ReturnType<typeof import('../service-client.ts').createClient>>;

/** An ARN that ends with the version means its newest build. */
async function newestBuild(arn: string, client: Client, signal: AbortSignal): Promise<string> {
  if (!/\/\d+\.\d+\.\d+$/.test(arn)) return arn;
  const { ListComponentBuildVersionsCommand } = await import('@aws-sdk/client-imagebuilder');
  const answer = await client.send(new ListComponentBuildVersionsCommand({ componentVersionArn: arn }), {
    abortSignal: signal,
  });
  const builds = (answer.componentSummaryList ?? []).flatMap((summary) => summary.arn ?? []);
  const numberOf = (each: string): number => Number(each.slice(each.lastIndexOf('/') + 1));
  const newest = builds.toSorted((a, b) => numberOf(b) - numberOf(a))[0];
  if (newest === undefined) throw new UsageError(`${arn}: there is no build of this version`);
  return newest;
}
