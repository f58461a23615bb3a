import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = /^[0-9]{6}\.jsonl$/;

/** The files of a trail, oldest first; none when there is no trail. */
export async function trailFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** The file that comes after `last`, or the first. */
export function nextFile(folder: string, last: string | undefined): string {
  const number = last === undefined ? 1 : Number(last.slice(-'000000.jsonl'.length, -'.jsonl'.length)) + 1;
  return join(folder, `${String(number).padStart(6, '0')}.jsonl`);
}

/** Opens a file for appending; a new one, and its name, are on disk when this resolves. */
export async function openForAppending(folder: string, file: string): Promise<FileHandle> {
  const handle = await open(file, 'a', 0o600);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return handle;
}

export interface TrailFileText {
  /** Complete lines, without line ends. */
  readonly lines: readonly string[];
  /** What stands behind the last line end: a line that was being written when the machine or process stopped. */
  readonly torn: Buffer;
  /** Length of the complete lines with their ends. */
  readonly wholeBytes: number;
}

export async function readTrailFile(file: string): Promise<TrailFileText> {
  const bytes = await readFile(file);
  const end = bytes.lastIndexOf('\n') + 1;
  const text = bytes.toString('utf8', 0, Math.max(0, end - 1));
  return { lines: end === 0 ? [] : text.split('\n'), torn: bytes.subarray(end), wholeBytes: end };
}
