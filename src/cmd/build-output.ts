import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ExportFormat } from '../image-store/image-store.ts';
import { coerceError } from '../util/faults.ts';
import { readStart } from '../util/read-start.ts';
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
  await (file === undefined ? checkFolder(process.cwd()) : checkOutputFile(file, '-o'));
  return { file, format };
}

async function checkFolder(folder: string): Promise<void> {
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new UsageError(`cannot write to the folder ${folder}: ${systemMessage(coerceError(error))}`);
  });
}

/** Enough to tell a text from a disk, whose first sector or header has zeroes. */
const FIRST_BYTES = 512;

/**
 * @param file Absolute path of a file that an image is to be written to; an image that is there is replaced.
 * @param name What the command line calls it.
 * @throws UsageError where none can be written, and where something else would be lost: the template, say.
 */
export async function checkOutputFile(file: string, name: string): Promise<void> {
  await checkFolder(dirname(file));
  const there = await stat(file).catch(() => undefined);
  if (there === undefined || (there.isFile() && there.size === 0)) return;
  if (there.isDirectory()) throw new UsageError(`${name} names a folder: ${file}`);
  if (!there.isFile()) throw new UsageError(`${name} names what is not a file: ${file}`);
  if ((await readStart(file, FIRST_BYTES)).includes('\0')) return;
  throw new UsageError(`${name} names a file that is no image, and would be lost: ${file}`);
}
