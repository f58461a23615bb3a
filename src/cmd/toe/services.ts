import type { ComponentSource, RunServices } from '../../toe/run-services.ts';
import { configureServices } from '../../toe/services/configure.ts';
import { imdsMetadata } from '../../toe/services/imds.ts';
import { type CommandContext, UsageError } from '../command.ts';

/** What documents may use beyond their machine: as the environment and the home have it, loaded when first asked for. */
export function servicesOf(context: CommandContext): RunServices {
  const { environment, home, region } = context.config;
  return {
    ...configureServices(environment, home.path, region ?? 'us-east-1'),
    components: componentSource(context),
    metadata: imdsMetadata(environment),
  };
}

/**
 * Components of the service that `AWSTOE_IMAGEBUILDER_ENDPOINT` names, signed with the AWS keys of the environment, else of
 * the Kiln service of this home.
 */
function componentSource({ config }: CommandContext): ComponentSource {
  return async (arn, signal) => {
    const [{ createClient }, { ensureCredentials }, { findOwner }, sdk] = await Promise.all([
      import('../service-client.ts'),
      import('../credentials.ts'),
      import('../../state/home-lock.ts'),
      import('@aws-sdk/client-imagebuilder'),
    ]);
    const { environment } = config;
    const endpoint = environment['AWSTOE_IMAGEBUILDER_ENDPOINT'];
    const url = endpoint ?? (await findOwner(config.home.path))?.url;
    if (url === undefined) {
      throw new UsageError(`${arn}: no Kiln service runs, and AWSTOE_IMAGEBUILDER_ENDPOINT names no other`);
    }
    const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
    const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
    const sessionToken = environment['AWS_SESSION_TOKEN'];
    const given = endpoint !== undefined && accessKeyId !== undefined && secretAccessKey !== undefined;
    const credentials = given
      ? { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
      : await ensureCredentials(config.home);
    const region = environment['AWS_REGION'] ?? config.region ?? arn.split(':')[3] ?? 'us-east-1';
    const client = await createClient({ url, region, credentials });
    const options = { abortSignal: signal };
    try {
      const builds = async (): Promise<readonly string[]> => {
        const request = new sdk.ListComponentBuildVersionsCommand({ componentVersionArn: arn });
        const { componentSummaryList = [] } = await client.send(request, options);
        return componentSummaryList.flatMap((summary) => summary.arn ?? []);
      };
      const build = /\/\d+\.\d+\.\d+$/.test(arn) ? newestOf(await builds()) : arn;
      if (build === undefined) throw new UsageError(`${arn}: there is no build of this version`);
      const { component } = await client.send(
        new sdk.GetComponentCommand({ componentBuildVersionArn: build }),
        options,
      );
      if (component?.data === undefined) throw new UsageError(`${arn}: the service gave no document`);
      return { arn: build, text: component.data };
    } finally {
      client.destroy();
    }
  };
}

/** Build numbers come last in an ARN. */
function newestOf(builds: readonly string[]): string | undefined {
  const numberOf = (arn: string): number => Number(arn.slice(arn.lastIndexOf('/') + 1));
  return builds.toSorted((a, b) => numberOf(b) - numberOf(a))[0];
}
