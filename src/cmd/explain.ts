import { GetWorkflowStepExecutionCommand } from '@aws-sdk/client-imagebuilder';
import type { OutputOf } from '../contract/operations.ts';
import { explainReason } from '../engine/failure-cause/cause-line.ts';
import { type Command, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { callOperation } from './service-client.ts';

export const explain: Command = {
  usage: 'ARN [--json]',
  summary: 'Says why the build of an image failed, and what to do next.',
  positionals: { min: 1, max: 1 },
  options: { json: { type: 'boolean', help: 'one JSON object' } },

  async run(args, { config, io, signal }) {
    const [imageBuildVersionArn = ''] = args.positionals;
    if (!imageBuildVersionArn.startsWith('arn:')) throw new UsageError('kiln explain needs the ARN of an image');
    await using connection = await connect(config, signal, { builds: false });
    const { address, client } = connection;
    // The failure context is newer than the SDK's client.
    const { image } = (await callOperation(
      address,
      'GetImage',
      { imageBuildVersionArn },
      signal,
    )) as OutputOf<'GetImage'>;
    const { status, reason = '', failureContext: context } = image?.state ?? {};
    const step = await stepOf(context?.stepExecutionId);
    const { what, command, lines, cause, tryNext, remarks } = explainReason(reason);
    const component = context?.componentFailure;
    const facts: Readonly<Record<string, string | undefined>> = {
      image: imageBuildVersionArn,
      status,
      stage: context?.imageStatus,
      step: step?.name === undefined ? context?.failedStep : `${step.name} (${step.action})`,
      component: component?.componentArn,
      'component step':
        component === undefined
          ? undefined
          : `phase ${component.phaseName}, step ${component.stepName} (${component.action})`,
      what: what === '' ? undefined : what,
      command,
      lines: lines.length === 0 ? undefined : lines.join('\n'),
      cause,
      'try next': tryNext,
      remarks: remarks.length === 0 ? undefined : remarks.join('\n'),
      log: status === 'FAILED' ? `kiln logs ${imageBuildVersionArn}` : undefined,
    };
    const known = Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== undefined);
    if (args.flag('json')) io.stdout.write(`${JSON.stringify(Object.fromEntries(known))}\n`);
    else io.stdout.write(known.map(([name, text]) => paragraph(name, text)).join(''));
    return EXIT.done;

    async function stepOf(stepExecutionId: string | undefined) {
      if (stepExecutionId === undefined) return undefined;
      return client.send(new GetWorkflowStepExecutionCommand({ stepExecutionId }), { abortSignal: signal });
    }
  },
};

const WIDTH = 16;

function paragraph(name: string, text: string): string {
  return text
    .split('\n')
    .map((line, index) => `${(index === 0 ? name : '').padEnd(WIDTH)}${sanitise(line)}\n`)
    .join('');
}
