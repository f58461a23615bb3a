import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ExportFormat } from '../image-store/image-store.ts';
import { coerceError } from '../util/faults.ts';
import { type CommandArguments, UsageError } from './command.ts';
import { exportFormat } from './export-formats.ts';
import { systemMessage } from './system-message.ts';

/** Where an image is to be written. */
export interface BuildOutput {
  /** Undefined: named after the image, in the current folder. */
  readonly file: string | undefined;
  readonly format: ExportFormat;
}

/** Minutes later would be too late to learn that the file cannot be written. */
export async function readOutput(args: CommandArguments): Promise<BuildOutput> {
  const given = args.text('output');
  const format = exportFormat(args.text('format'), given);
  const file = given === undefined ? undefined : resolve(given);
  const folder = file === undefined ? process.cwd() : dirname(file);
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new UsageError(`cannot write to the folder ${folder}: ${systemMessage(coerceError(error))}`);
  });
  const isFolder = file !== undefined && (await stat(file).catch(() => undefined))?.isDirectory() === true;
  if (isFolder) throw new UsageError(`-o names a folder: ${file}`);
  return { file, format };
}
