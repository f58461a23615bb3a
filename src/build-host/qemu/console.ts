import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

/** Longer lines are cut: a guest decides what it writes. */
const LONGEST_LINE = 4_096;
const LINES_KEPT = 40;

/** What a guest writes on its serial console, as lines without terminal control sequences. */
export interface ConsoleLog {
  /** The last lines, oldest first; at most forty, empty ones left out. */
  lastLines(): readonly string[];
}

/** Reads until the stream ends; `onLine` gets every line that holds something. */
export function readConsole(stream: Readable, onLine: (line: string) => void): ConsoleLog {
  const decoder = new TextDecoder();
  const kept: string[] = [];
  let pending = '';
  const finish = (raw: string): void => {
    const line = cleanLine(raw);
    if (line === '') return;
    kept.push(line);
    if (kept.length > LINES_KEPT) kept.shift();
    onLine(line);
  };
  stream.on('data', (chunk: Buffer) => {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) finish(line);
    if (pending.length > LONGEST_LINE) {
      finish(pending);
      pending = '';
    }
  });
  // Also a last line without an end tells something, e.g. the prompt at which a boot loader waits.
  stream.once('close', () => {
    finish(pending);
    pending = '';
  });
  return {
    lastLines: () => {
      const unfinished = cleanLine(pending);
      return unfinished === '' ? [...kept] : [...kept, unfinished];
    },
  };
}

function cleanLine(raw: string): string {
  // A carriage return within a line starts it anew on a terminal (progress displays): the last state is what counts.
  const shown = stripVTControlCharacters(raw)
    .split('\r')
    .filter((part) => part !== '')
    .at(-1);
  return (shown ?? '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
    .trimEnd()
    .slice(0, LONGEST_LINE);
}
