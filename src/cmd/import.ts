import { resolve } from 'node:path';
import { ImportRefused } from '../image-store/files/detect-format.ts';
import { type Command, UsageError } from './command.ts';
import { formatBytes, sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { openDisks } from './open-disks.ts';

const PLATFORMS = ['Linux', 'Windows', 'macOS'] as const;

export const importImage: Command = {
  usage: 'FILE --name NAME --platform Linux [--os-version TEXT]',
  summary: 'Makes a qcow2, raw, vmdk, vhd or vhdx file an AMI that recipes may name as their parent.',
  positionals: { min: 1, max: 1 },
  options: {
    name: { type: 'string', value: 'NAME', help: 'what the image is called' },
    platform: { type: 'string', value: 'PLATFORM', help: PLATFORMS.join(', ') },
    'os-version': { type: 'string', value: 'TEXT', help: 'e.g. "Debian GNU/Linux 12"' },
  },

  async run(args, { config, io, signal }) {
    const [file = ''] = args.positionals;
    const name = args.text('name');
    const platform = PLATFORMS.find((candidate) => candidate === args.text('platform'));
    if (name === undefined) throw new UsageError('--name is missing');
    if (platform === undefined) throw new UsageError(`--platform must be one of ${PLATFORMS.join(', ')}`);
    const osVersion = args.text('os-version');
    const disks = await openDisks(config);
    const monitor = { line: (_source: string, text: string) => void io.stderr.write(`${sanitise(text)}\n`) };
    const request = { file: resolve(file), name, platform, source: 'import' };
    const image = await disks.imageStore
      .import(osVersion === undefined ? request : { ...request, osVersion }, { signal, monitor })
      .catch((error: unknown) => {
        if (!(error instanceof ImportRefused)) throw error;
        const { where = file, message, hint } = error;
        throw new UsageError(`${where}: ${message}.${hint === undefined ? '' : `\n  try: ${hint}`}`);
      });
    io.stderr.write(`${formatBytes(image.virtualSize)} disk, ${formatBytes(image.storedSize)} stored\n`);
    io.stdout.write(`${image.amiId}\n`);
    return EXIT.done;
  },
};
