import type { Command } from './command.ts';
import { renderTable } from './display/table.ts';
import { EXIT } from './exit-codes.ts';
import { openDisks } from './open-disks.ts';

export const catalog: Command = {
  usage: '[--json]',
  summary: 'Lists the base images that recipes may name as their parent, and those that were made already.',
  description: 'ParentImage: arn:aws:imagebuilder:REGION:aws:image/NAME/x.x.x',
  positionals: { min: 0, max: 0 },
  options: { json: { type: 'boolean', help: 'one JSON object per line' } },

  async run(args, { config, io }) {
    const disks = await openDisks(config);
    const entries = await disks.catalog.list();
    if (args.flag('json')) {
      for (const entry of entries) io.stdout.write(`${JSON.stringify(entry)}\n`);
      return EXIT.done;
    }
    const rows = entries.map(({ name, osVersion, version, amiId, sources }) => [
      name,
      osVersion,
      version,
      amiId ?? 'not made yet',
      sources.join('; '),
    ]);
    io.stdout.write(renderTable(['NAME', 'SYSTEM', 'VERSION', 'AMI', 'SOURCES'], rows));
    return EXIT.done;
  },
};
