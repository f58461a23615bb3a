import { findOwner } from '../state/home-lock.ts';
import type { Command } from './command.ts';
import { ensureCredentials } from './credentials.ts';
import { EXIT } from './exit-codes.ts';
import { ensureHome } from './kiln-home.ts';

export const env: Command = {
  usage: '',
  summary: 'Prints what AWS clients need to talk to Kiln, as shell commands.',
  description:
    'Use it so:  eval "$(kiln env)"\nWithout a running service it names the port on which kiln serve will listen.',
  positionals: { min: 0, max: 0 },
  options: {},

  async run(_args, { config, io }) {
    await ensureHome(config.home);
    const credentials = await ensureCredentials(config.home);
    const owner = await findOwner(config.home.path);
    const url = owner?.url ?? `http://127.0.0.1:${config.port}`;
    const region = config.region ?? credentials.region;
    const variables = {
      AWS_ENDPOINT_URL_IMAGEBUILDER: url,
      AWS_ENDPOINT_URL_STS: url,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url,
      AWS_REGION: region,
      // What boto3 and version 1 of the AWS CLI read instead. Source: Boto3 Guide, "Using environment variables".
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
    for (const [name, value] of Object.entries(variables)) {
      // Quoted for any POSIX shell; a value with a quote in it is impossible here, and must stay so.
      io.stdout.write(`export ${name}='${value.replaceAll("'", '')}'\n`);
    }
    if (owner?.url === undefined) io.stderr.write('kiln: the service does not run; start it with kiln serve\n');
    return EXIT.done;
  },
};
