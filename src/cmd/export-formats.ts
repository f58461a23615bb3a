import { extname } from 'node:path';
import type { ExportFormat } from '../image-store/image-store.ts';
import { UsageError } from './command.ts';

export const EXPORT_FORMATS: readonly ExportFormat[] = ['qcow2', 'raw', 'vmdk', 'vhd', 'vhdx'];

const BY_EXTENSION: Readonly<Record<string, ExportFormat>> = {
  '.qcow2': 'qcow2',
  '.raw': 'raw',
  '.img': 'raw',
  '.vmdk': 'vmdk',
  '.vhd': 'vhd',
  '.vpc': 'vhd',
  '.vhdx': 'vhdx',
};

/** What ends a name as the format of a file would; `1.0` and the like do not. */
const ENDING = /^\.[a-z][a-z0-9]*$/;

/** The format that was asked for, else the one that the file's name says; qcow2 where it has no ending. */
export function exportFormat(format: string | undefined, file: string | undefined): ExportFormat {
  if (format === undefined) {
    const ending = extname(file ?? '').toLowerCase();
    const byName = BY_EXTENSION[ending] ?? (ENDING.test(ending) ? undefined : 'qcow2');
    if (byName !== undefined) return byName;
    throw new UsageError(
      `'${ending}' is no format that Kiln writes: name one with --format ${EXPORT_FORMATS.join('|')}`,
    );
  }
  const known = EXPORT_FORMATS.find((candidate) => candidate === format);
  if (known === undefined)
    throw new UsageError(`--format must be one of ${EXPORT_FORMATS.join(', ')}, not '${format}'`);
  return known;
}
