import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nameOfThisProcess } from '../../util/process-identity.ts';
import { writeFileAtomic } from './atomic-file.ts';
import type { Layout } from './layout.ts';
import { fingerprint } from './verified-disk.ts';

interface ExportedFile {
  readonly content: string;
  /** What the file looked like when it was whole. */
  readonly seen: string;
  readonly bytes: number;
}

/** The bytes that a file takes that was written from this content; undefined when it was not, or has changed since. */
export async function exportedBefore(layout: Layout, file: string, content: string): Promise<number | undefined> {
  const text = await readFile(recordOf(layout, file), 'utf8').catch(() => undefined);
  const record = text === undefined ? undefined : parse(text);
  if (record?.content !== content) return undefined;
  const seen = await fingerprint(file).catch(() => undefined);
  return seen === record.seen ? record.bytes : undefined;
}

export async function rememberExport(layout: Layout, file: string, content: string, bytes: number): Promise<void> {
  const record: ExportedFile = { content, seen: await fingerprint(file), bytes };
  await writeFileAtomic(recordOf(layout, file), JSON.stringify(record));
}

const MOST_SUMS_BYTES = 1024 * 1024;

/** Puts a file's sha256 into `SHA256SUMS` beside it, as sha256sum writes it; other lines stay. Call with a lock. */
export async function noteSum(file: string, sha256: string): Promise<void> {
  const sums = join(dirname(file), 'SHA256SUMS');
  const name = basename(file);
  // sha256sum escapes such a name in a way of its own, and nobody has one.
  if (/[\\\n\r]/.test(name)) return;
  const size = (await stat(sums).catch(() => undefined))?.size ?? 0;
  // Somebody's own file of that name.
  if (size > MOST_SUMS_BYTES) return;
  const before = size === 0 ? '' : await readFile(sums, 'utf8');
  const others = before.split('\n').filter((line) => line !== '' && line.replace(/^[0-9a-f]{64} [ *]/, '') !== name);
  const partial = `${sums}.${await nameOfThisProcess()}.partial`;
  try {
    await writeFile(partial, `${[...others, `${sha256}  ${name}`].join('\n')}\n`, { flag: 'wx' });
    await rename(partial, sums);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function recordOf(layout: Layout, file: string): string {
  return join(layout.exports, `${createHash('sha256').update(file).digest('hex')}.json`);
}

function parse(text: string): ExportedFile | undefined {
  try {
    return JSON.parse(text) as ExportedFile;
  } catch {
    return undefined;
  }
}
