import { type ImageSummary, paginateListImageBuildVersions } from '@aws-sdk/client-imagebuilder';
import type { Command } from './command.ts';
import { connect } from './connect.ts';
import { renderTable } from './display/table.ts';
import { EXIT } from './exit-codes.ts';

export const images: Command = {
  usage: '[--json]',
  summary: 'Lists the images that were built or are being built, the newest first.',
  positionals: { min: 0, max: 0 },
  options: { json: { type: 'boolean', help: 'one JSON object per line' } },

  async run(args, { config, io, signal }) {
    await using connection = await connect(config, signal, { builds: false });
    const found: ImageSummary[] = [];
    for await (const page of paginateListImageBuildVersions({ client: connection.client }, {})) {
      signal.throwIfAborted();
      found.push(...(page.imageSummaryList ?? []));
    }
    found.sort((a, b) => ((a.dateCreated ?? '') < (b.dateCreated ?? '') ? 1 : -1));
    if (args.flag('json')) {
      for (const image of found) io.stdout.write(`${JSON.stringify(describe(image))}\n`);
      return EXIT.done;
    }
    const rows = found.map((image) => {
      const { status, reason, amiId, created, imageBuildVersionArn } = describe(image);
      const [, position] = /^Number (\d+) of the builds that wait/.exec(reason ?? '') ?? [];
      const shown = position === undefined ? status : `${status} (${position} in the queue)`;
      return [shown ?? '', amiId ?? '', (created ?? '').slice(0, 16).replace('T', ' '), imageBuildVersionArn ?? ''];
    });
    io.stdout.write(renderTable(['STATUS', 'AMI', 'CREATED', 'IMAGE'], rows));
    return EXIT.done;
  },
};

function describe(image: ImageSummary) {
  return {
    imageBuildVersionArn: image.arn,
    name: image.name,
    version: image.version,
    status: image.state?.status,
    reason: image.state?.reason,
    amiId: image.outputResources?.amis?.[0]?.image,
    created: image.dateCreated,
  };
}
