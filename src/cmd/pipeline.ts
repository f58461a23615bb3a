import {
  type ImagebuilderClient,
  paginateListImagePipelines,
  StartImagePipelineExecutionCommand,
} from '@aws-sdk/client-imagebuilder';
import { didYouMean } from '../util/problem.ts';
import { type Command, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { createLiveReport } from './display/live-report.ts';
import { createPlainReport } from './display/plain-report.ts';
import { EXIT } from './exit-codes.ts';
import { watchBuild } from './watch-build.ts';

export const pipeline: Command = {
  usage: 'run NAME|ARN [--watch]',
  summary: 'Starts a pipeline now, whatever its schedule and status.',
  description: 'With --watch it reports the build until it ends; Ctrl-C then cancels it.',
  positionals: { min: 2, max: 2 },
  options: { watch: { type: 'boolean', help: 'report the build until it ends' } },

  async run(args, { config, io, signal }) {
    const [action = '', name = ''] = args.positionals;
    if (action !== 'run') throw new UsageError(`kiln pipeline has no '${action}'; it has run`);
    await using connection = await connect(config, signal);
    const imagePipelineArn = await findPipeline(connection.client, name);
    const command = new StartImagePipelineExecutionCommand({ imagePipelineArn });
    const { imageBuildVersionArn: arn = '' } = await connection.client.send(command);
    if (!args.flag('watch')) {
      io.stdout.write(`${arn}\n`);
      // A service of this process's own would end with it, and the build with the service.
      if (connection.own) await connection.idle(signal, () => io.stderr.write('kiln: building; no service runs\n'));
      return EXIT.done;
    }
    const write = (text: string): void => void io.stdout.write(text);
    const report = io.stdout.isTTY ? createLiveReport(io.stdout, io.colour) : createPlainReport(write);
    const { progress, lost } = await watchBuild(connection, arn, report, signal).finally(() => report.close());
    if (lost !== undefined) throw lost;
    const { status } = progress;
    io.stdout.write(`${status} ${arn}\n`);
    if (signal.aborted || status === 'CANCELLED') return EXIT.interrupted;
    return status === 'AVAILABLE' ? EXIT.done : EXIT.failed;
  },
};

/** The ARN of a pipeline by its name; an ARN is one already. Throws a UsageError when there is none. */
export async function findPipeline(client: ImagebuilderClient, name: string): Promise<string> {
  if (name.startsWith('arn:')) return name;
  const names: string[] = [];
  for await (const page of paginateListImagePipelines({ client }, {})) {
    for (const { name: known = '', arn } of page.imagePipelineList ?? []) {
      if (known === name && arn !== undefined) return arn;
      names.push(known);
    }
  }
  const near = didYouMean(name, names);
  throw new UsageError(`there is no pipeline '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`);
}
