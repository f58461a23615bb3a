import { GetImageCommand } from '@aws-sdk/client-imagebuilder';
import type { ComponentExecutor } from '../engine/steps/run-components.ts';
import { openImageRecords } from '../image-store/files/records.ts';
import { type Command, UsageError } from './command.ts';
import type { Config } from './config.ts';
import { connect } from './connect.ts';
import { renderTable } from './display/table.ts';
import { sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { isAmiId, requireImageArn } from './find-ami.ts';
import { readBuildSteps } from './read-build-steps.ts';

export const show: Command = {
  usage: 'ARN|AMI [--json]',
  summary: 'Describes an image: its state, its AMI, and what of it was taken over from earlier builds.',
  description:
    'The ARN is that of an image build version: arn:aws:imagebuilder:…:image/NAME/1.0.0/1\n' +
    'An AMI id means the image that was built with it.',
  positionals: { min: 1, max: 1 },
  options: { json: { type: 'boolean', help: 'as JSON' } },

  async run(args, { config, io, signal }) {
    const [image = ''] = args.positionals;
    const imageBuildVersionArn = requireImageArn((await arnOfAmi(image, config)) ?? image);
    await using connection = await connect(config, signal, { builds: false });
    const { client } = connection;
    const command = new GetImageCommand({ imageBuildVersionArn });
    const { image: found } = await client.send(command, { abortSignal: signal });
    if (found === undefined) throw new UsageError(`there is no image ${imageBuildVersionArn}`);
    const steps = await readBuildSteps(client, imageBuildVersionArn, signal);
    const components = steps.flatMap(({ outputs }) => readExecutors(outputs['executors']));
    const shown = {
      imageBuildVersionArn,
      name: found.name,
      status: found.state?.status,
      reason: found.state?.reason,
      amiId: found.outputResources?.amis?.[0]?.image,
      created: found.dateCreated,
      buildType: found.buildType,
      osVersion: found.osVersion,
      parentImage: found.imageRecipe?.parentImage,
      tags: found.tags ?? {},
      components,
      steps: steps.map(({ name, status, message }) => ({ name, status, message })),
    };
    if (args.flag('json')) {
      io.stdout.write(`${JSON.stringify(shown)}\n`);
      return EXIT.done;
    }
    const facts: readonly (readonly [string, string | undefined])[] = [
      ['image', shown.imageBuildVersionArn],
      ['name', shown.name],
      ['status', [shown.status, shown.reason].filter((text) => text !== undefined).join(': ')],
      ['AMI', shown.amiId],
      ['created', shown.created],
      ['system', shown.osVersion],
      ['parent', shown.parentImage],
      ...Object.entries(shown.tags).map(([key, value]): [string, string] => [key, value]),
    ];
    for (const [name, value] of facts) {
      if (value !== undefined && value !== '') io.stdout.write(`${name.padEnd(18)}  ${sanitise(value)}\n`);
    }
    if (components.length > 0) {
      const rows = components.map(({ component, executor, reason, reused }) => [
        component.split(':component/')[1] ?? component,
        executor,
        reused === undefined ? `ran in this build${reason === undefined ? '' : `; ${reason}`}` : reusedText(reused),
      ]);
      io.stdout.write(`\n${renderTable(['COMPONENT', 'EXECUTOR', 'HOW'], rows)}`);
    }
    const stepRows = steps.map(({ name, status, message }) => [name, status, message]);
    if (stepRows.length > 0) io.stdout.write(`\n${renderTable(['STEP', 'STATUS', 'MESSAGE'], stepRows)}`);
    return EXIT.done;
  },
};

async function arnOfAmi(amiId: string, { home }: Config): Promise<string | undefined> {
  if (!isAmiId(amiId)) return undefined;
  const ami = await (await openImageRecords(home.images)).get(amiId);
  if (ami === undefined) throw new UsageError(`there is no AMI ${amiId}`);
  if (ami.source.startsWith('arn:')) return ami.source;
  throw new UsageError(`${amiId} was not built here: it comes from ${ami.source}`);
}

function reusedText({ ranAt, image }: NonNullable<ComponentExecutor['reused']>): string {
  return `reused: ran ${ranAt} for ${image.split(':image/')[1] ?? image}`;
}

function readExecutors(text: unknown): readonly ComponentExecutor[] {
  return typeof text === 'string' ? (JSON.parse(text) as readonly ComponentExecutor[]) : [];
}
