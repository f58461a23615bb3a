import { setTimeout as sleep } from 'node:timers/promises';
import { GetImagePipelineCommand } from '@aws-sdk/client-imagebuilder';
import { parseArn } from '../contract/arn.ts';
import type { FilteredLogEvent } from '../contract/log-operations.ts';
import { type Command, UsageError } from './command.ts';
import { type Connection, connect } from './connect.ts';
import { plainLine } from './display/plain-report.ts';
import { sanitise } from './display/text.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { callLogs } from './kiln-calls.ts';
import { followBuild, type ServiceAddress } from './service-client.ts';

export const logs: Command = {
  usage: 'ARN|GROUP [STREAM] [-f] [--console] [--filter PATTERN] | (no argument)',
  summary: 'Prints the log of a build, of a pipeline, or of any log group; without an argument the log groups.',
  description: 'Log groups are those of CloudWatch Logs: aws logs reads them as well (kiln env).',
  positionals: { min: 0, max: 2 },
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on: a build until it ends, a group until Ctrl-C' },
    console: { type: 'boolean', help: 'with the serial console of the instances' },
    filter: { type: 'string', value: 'PATTERN', help: "of a group, in CloudWatch's filter pattern syntax" },
  },

  async run(args, { config, io, signal }) {
    const [name, stream] = args.positionals;
    const write = (text: string): void => void io.stdout.write(`${text}\n`);
    await using connection = await connect(config, signal, { builds: false });
    if (name === undefined) return listGroups(connection.address, write, signal);
    if (parseArn(name)?.kind === 'image') {
      if (stream !== undefined || args.text('filter') !== undefined) {
        throw new UsageError('STREAM and --filter are for log groups');
      }
      for await (const line of followBuild(connection.address, name, args.flag('follow'), signal)) {
        const isConsole = line.kind === 'log' && line.source === 'console';
        const text =
          isConsole && args.flag('console')
            ? `${line.at.slice(11, 19)}    : ${sanitise(line.message)}`
            : plainLine(line);
        if (text !== undefined) write(text);
      }
      return EXIT.done;
    }
    const request = {
      logGroupName: await groupOf(name, connection),
      logStreamNames: stream === undefined ? undefined : [stream],
      filterPattern: args.text('filter'),
    };
    for await (const { timestamp, logStreamName, message } of linesOf(
      connection,
      request,
      args.flag('follow'),
      signal,
    )) {
      write(sanitise(`${new Date(timestamp).toISOString()} ${logStreamName} ${message}`));
    }
    return EXIT.done;
  },
};

/** A pipeline's ARN means its log. */
async function groupOf(name: string, { client }: Connection): Promise<string> {
  if (parseArn(name)?.kind !== 'image-pipeline') return name;
  const { imagePipeline } = await client.send(new GetImagePipelineCommand({ imagePipelineArn: name }));
  const chosen = imagePipeline?.loggingConfiguration?.pipelineLogGroupName;
  return chosen ?? `/aws/imagebuilder/pipeline/${imagePipeline?.name}`;
}

async function listGroups(
  address: ServiceAddress,
  write: (line: string) => void,
  signal: AbortSignal,
): Promise<ExitCode> {
  for (let nextToken: string | undefined; ; ) {
    const page = await callLogs(address, 'DescribeLogGroups', { nextToken }, signal);
    for (const { logGroupName } of page.logGroups) write(sanitise(logGroupName));
    nextToken = page.nextToken;
    if (nextToken === undefined) return EXIT.done;
  }
}

const POLL_MS = 1_000;

async function* linesOf(
  { address }: Connection,
  request: {
    readonly logGroupName: string;
    readonly logStreamNames: string[] | undefined;
    readonly filterPattern: string | undefined;
  },
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<FilteredLogEvent> {
  // Lines of one millisecond may come in two answers.
  let seen = new Set<string>();
  let startTime = 0;
  while (!signal.aborted) {
    for (let nextToken: string | undefined; ; ) {
      const page = await callLogs(address, 'FilterLogEvents', { ...request, startTime, nextToken }, signal);
      for (const event of page.events) {
        if (seen.has(event.eventId)) continue;
        if (event.timestamp > startTime) {
          startTime = event.timestamp;
          seen = new Set();
        }
        seen.add(event.eventId);
        yield event;
      }
      nextToken = page.nextToken;
      if (nextToken === undefined) break;
    }
    if (!follow) return;
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
