import { resolve } from 'node:path';
import { checkOutputFile } from './build-output.ts';
import type { Command } from './command.ts';
import { formatBytes, sanitise } from './display/text.ts';
import { EXIT } from './exit-codes.ts';
import { EXPORT_FORMATS, exportFormat } from './export-formats.ts';
import { findAmi } from './find-ami.ts';
import { openDisks } from './open-disks.ts';

export const exportImage: Command = {
  usage: 'AMI|ARN FILE [--format FORMAT]',
  summary: 'Writes an image to a file of its own: flattened, bootable, without Kiln.',
  positionals: { min: 2, max: 2 },
  options: {
    format: { type: 'string', value: 'FORMAT', help: `${EXPORT_FORMATS.join(', ')}; else by the file's name` },
  },

  async run(args, { config, io, signal }) {
    const [image = '', name = ''] = args.positionals;
    const format = exportFormat(args.text('format'), name);
    const file = resolve(name);
    await checkOutputFile(file, 'FILE');
    const amiId = await findAmi(image, config, signal);
    const disks = await openDisks(config);
    const monitor = { line: (_source: string, text: string) => void io.stderr.write(`${sanitise(text)}\n`) };
    const { bytes } = await disks.imageStore.export(amiId, file, format, { signal, monitor });
    io.stdout.write(`${file}  ${formatBytes(bytes)}\n`);
    return EXIT.done;
  },
};
