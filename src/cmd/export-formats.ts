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

/** The format that was asked for, else the one that the file's name says, else qcow2. */
export function exportFormat(format: string | undefined, file: string | undefined): ExportFormat {
  if (format === undefined) return BY_EXTENSION[extname(file ?? '').toLowerCase()] ?? 'qcow2';
  const known = EXPORT_FORMATS.find((candidate) => candidate === format);
  if (known === undefined)
    throw new UsageError(`--format must be one of ${EXPORT_FORMATS.join(', ')}, not '${format}'`);
  return known;
}
