import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChainHead } from './chain.ts';

const NOTE = /^([0-9]{1,15}) ([0-9a-f]{64}) *\n$/;
/** One write of so few bytes is not torn. */
const NOTE_BYTES = 96;

/** A note beside the trail of the newest record that is certainly on disk: by it, a trail whose end was cut off is known. */
export interface HeadNote {
  /** To be called once the record is on disk; a note that is lost with the machine is an older one, which does no harm. */
  write(head: ChainHead): Promise<void>;
  close(): Promise<void>;
}

export async function openHeadNote(folder: string): Promise<HeadNote> {
  const handle: FileHandle = await open(noteFile(folder), 'a+', 0o600).then(async (created) => {
    await created.close();
    return open(noteFile(folder), 'r+');
  });
  return {
    write: async ({ sequence, hash }) => {
      await handle.write(`${`${sequence} ${hash}`.padEnd(NOTE_BYTES - 1)}\n`, 0);
    },
    close: () => handle.close(),
  };
}

/** The record that was noted last; undefined when there is no note, or none that can be read. */
export async function readHeadNote(folder: string): Promise<ChainHead | undefined> {
  const text = await readFile(noteFile(folder), 'utf8').catch(() => '');
  const [, sequence, hash] = NOTE.exec(text) ?? [];
  return hash === undefined ? undefined : { sequence: Number(sequence), hash };
}

function noteFile(folder: string): string {
  return join(folder, 'head');
}
