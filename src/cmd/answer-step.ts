import type { ImagebuilderClient, WorkflowStepExecution } from '@aws-sdk/client-imagebuilder';
import { ListWaitingWorkflowStepsCommand, SendWorkflowStepActionCommand } from '@aws-sdk/client-imagebuilder';
import { type Command, type CommandArguments, type CommandContext, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { renderTable } from './display/table.ts';
import { sanitise } from './display/text.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

type Answer = 'RESUME' | 'STOP';

const DONE: Readonly<Record<Answer, string>> = { RESUME: 'approved', STOP: 'rejected' };

export const approve: Command = answerCommand('RESUME', {
  summary: 'Lets a build go on that waits for an approval; without an argument, lists what waits.',
});

export const reject: Command = answerCommand('STOP', {
  summary: 'Fails a step that waits for an approval; without an argument, lists what waits.',
});

function answerCommand(answer: Answer, { summary }: { readonly summary: string }): Command {
  return {
    usage: '[IMAGE-ARN | STEP-ID] [--reason TEXT]',
    summary,
    description: 'The ARN is that of the image that waits. When several of its steps wait, name the step.',
    positionals: { min: 0, max: 1 },
    options: { reason: { type: 'string', value: 'TEXT', help: 'why; the workflow can read it' } },
    run: (args, context) => run(answer, args, context),
  };
}

async function run(answer: Answer, args: CommandArguments, { config, io, signal }: CommandContext): Promise<ExitCode> {
  const [wanted] = args.positionals;
  const reason = args.text('reason');
  await using connection = await connect(config, signal, { builds: false });
  const { client } = connection;
  const steps = await waitingSteps(client, signal);
  if (wanted === undefined) {
    if (reason !== undefined) throw new UsageError('--reason needs a step or an image');
    io.stdout.write(renderTable(['STEP', 'NAME', 'SINCE', 'IMAGE'], steps.map(row)));
    return EXIT.done;
  }
  const step = choose(steps, wanted);
  const { stepExecutionId, imageBuildVersionArn } = step;
  const command = new SendWorkflowStepActionCommand({
    ...{ stepExecutionId, imageBuildVersionArn, action: answer },
    ...(reason === undefined ? {} : { reason }),
  });
  await client.send(command, { abortSignal: signal });
  io.stdout.write(`${DONE[answer]} ${sanitise(step.name ?? '')} of ${imageBuildVersionArn}\n`);
  // A service that ends with this command would leave the build where it is.
  if (connection.own) io.stderr.write('kiln: the build goes on when a service runs: kiln serve\n');
  return EXIT.done;
}

async function waitingSteps(client: ImagebuilderClient, signal: AbortSignal): Promise<WorkflowStepExecution[]> {
  const found: WorkflowStepExecution[] = [];
  for (let nextToken: string | undefined; ; ) {
    const command = new ListWaitingWorkflowStepsCommand(nextToken === undefined ? {} : { nextToken });
    const page = await client.send(command, { abortSignal: signal });
    found.push(...(page.steps ?? []));
    nextToken = page.nextToken;
    if (nextToken === undefined) return found;
  }
}

function choose(steps: readonly WorkflowStepExecution[], wanted: string): WorkflowStepExecution {
  const matching = steps.filter(
    ({ stepExecutionId, imageBuildVersionArn }) => stepExecutionId === wanted || imageBuildVersionArn === wanted,
  );
  const [step, ...others] = matching;
  if (step === undefined) throw new UsageError(`nothing waits there: ${wanted}`);
  if (others.length === 0) return step;
  const ids = matching.map(({ stepExecutionId, name }) => `${stepExecutionId} (${name})`).join(', ');
  throw new UsageError(`several steps of this image wait, name one: ${ids}`);
}

function row({ stepExecutionId = '', name = '', startTime = '', imageBuildVersionArn = '' }: WorkflowStepExecution) {
  return [stepExecutionId, sanitise(name), startTime.slice(0, 16).replace('T', ' '), imageBuildVersionArn];
}
