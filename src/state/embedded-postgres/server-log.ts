import { readFile, rename, stat } from 'node:fs/promises';

const MAX_BYTES = 4 * 1024 * 1024;

/** Puts a log that has grown long aside, in place of the one before it. */
export async function rotate(logFile: string): Promise<void> {
  const size = (await stat(logFile).catch(() => undefined))?.size ?? 0;
  if (size > MAX_BYTES) await rename(logFile, `${logFile}.1`);
}

/** The end of a log, where the reason of a failure stands. */
export async function lastLines(logFile: string): Promise<string> {
  return (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-5).join('\n');
}
