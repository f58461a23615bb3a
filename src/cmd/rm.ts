import { DeleteImageCommand, GetImageCommand } from '@aws-sdk/client-imagebuilder';
import type { ImageStore, MachineImage } from '../image-store/image-store.ts';
import { BuilderFault } from '../util/faults.ts';
import { type Command, type CommandContext, UsageError } from './command.ts';
import { connect } from './connect.ts';
import { EXIT } from './exit-codes.ts';
import { isAmiId, requireImageArn } from './find-ami.ts';
import { endInstances } from './kept-instances.ts';
import { openDisks } from './open-disks.ts';

export const rm: Command = {
  usage: 'ARN|AMI',
  summary: 'Removes an image: its record, its AMI, and an instance that was kept after a failure.',
  description:
    'The ARN is that of an image build version: arn:aws:imagebuilder:…:image/NAME/1.0.0/1\n' +
    'An AMI id removes the AMI alone: one that was imported, or whose record is gone.',
  positionals: { min: 1, max: 1 },
  options: {},

  async run(args, context) {
    const [image = ''] = args.positionals;
    const { imageStore } = await openDisks(context.config);
    if (isAmiId(image)) {
      if ((await imageStore.get(image)) === undefined) throw new UsageError(`there is no AMI ${image}`);
      await removeAmis(imageStore, [image], context);
    } else {
      await removeImage(requireImageArn(image), imageStore, context);
    }
    return EXIT.done;
  },
};

async function removeImage(
  imageBuildVersionArn: string,
  imageStore: ImageStore,
  context: CommandContext,
): Promise<void> {
  const { config, io, signal } = context;
  await using connection = await connect(config, signal, { builds: false });
  const { client } = connection;
  const command = new GetImageCommand({ imageBuildVersionArn });
  const { image } = await client.send(command, { abortSignal: signal });

  const stored = await imageStore.list();
  const named = (image?.outputResources?.amis ?? []).flatMap((ami) => ami.image ?? []);
  // A build that failed after its AMI was made names none, but the AMI may have been kept with the instance.
  const amis = stored.filter(({ amiId, source }) => source === imageBuildVersionArn || named.includes(amiId));
  refuseParents(amis, stored);
  // The service refuses while the image is being built or used; nothing was removed yet.
  await client.send(new DeleteImageCommand({ imageBuildVersionArn }), { abortSignal: signal });
  io.stdout.write(`removed ${imageBuildVersionArn}\n`);
  if ((await endInstances(config, imageBuildVersionArn)) > 0) io.stdout.write('ended its instance\n');
  await removeAmis(
    imageStore,
    amis.map(({ amiId }) => amiId),
    context,
  );
}

function refuseParents(amis: readonly MachineImage[], stored: readonly MachineImage[]): void {
  const ids = new Set(amis.map(({ amiId }) => amiId));
  const children = stored.filter(
    ({ amiId, baseAmiId, parentAmiId }) => ids.has(baseAmiId ?? parentAmiId ?? '') && !ids.has(amiId),
  );
  if (children.length === 0) return;
  throw new BuilderFault(`Other images are built on it: ${children.map(({ amiId }) => amiId).join(', ')}.`, {
    hint: 'Remove those first.',
  });
}

async function removeAmis(store: ImageStore, amiIds: readonly string[], { io }: CommandContext): Promise<void> {
  for (const amiId of amiIds) {
    await store.remove(amiId);
    io.stdout.write(`removed ${amiId}\n`);
  }
}
