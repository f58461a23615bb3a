import { DeleteImageCommand, GetImageCommand } from '@aws-sdk/client-imagebuilder';
import { BuilderFault } from '../util/faults.ts';
import type { Command } from './command.ts';
import { connect } from './connect.ts';
import { EXIT } from './exit-codes.ts';
import { endInstances } from './kept-instances.ts';
import { openDisks } from './open-disks.ts';

export const rm: Command = {
  usage: 'ARN',
  summary: 'Removes an image: its record, its AMI, and an instance that was kept after a failure.',
  description: 'The ARN is that of an image build version: arn:aws:imagebuilder:…:image/NAME/1.0.0/1',
  positionals: { min: 1, max: 1 },
  options: {},

  async run(args, { config, io, signal }) {
    const [imageBuildVersionArn = ''] = args.positionals;
    await using connection = await connect(config, signal);
    const { client } = connection;
    const command = new GetImageCommand({ imageBuildVersionArn });
    const { image } = await client.send(command, { abortSignal: signal });
    const amiIds = (image?.outputResources?.amis ?? []).flatMap((ami) => ami.image ?? []);

    const { imageStore } = await openDisks(config);
    const stored = await imageStore.list();
    const children = stored.filter(({ parentAmiId }) => parentAmiId !== undefined && amiIds.includes(parentAmiId));
    if (children.length > 0) {
      throw new BuilderFault(`Other images are built on it: ${children.map(({ amiId }) => amiId).join(', ')}.`, {
        hint: 'Remove those first.',
      });
    }
    // The service refuses while the image is being built or used; only then nothing was removed yet.
    await client.send(new DeleteImageCommand({ imageBuildVersionArn }), { abortSignal: signal });
    io.stdout.write(`removed ${imageBuildVersionArn}\n`);
    if ((await endInstances(config, imageBuildVersionArn)) > 0) io.stdout.write('ended its instance\n');
    for (const amiId of amiIds.filter((id) => stored.some((kept) => kept.amiId === id))) {
      await imageStore.remove(amiId);
      io.stdout.write(`removed ${amiId}\n`);
    }
    return EXIT.done;
  },
};
