import type { Io } from '../command.ts';

/** Characters that are written in one piece. */
const PIECE = 16 * 1024;
/** Bytes that wait for whoever reads standard error. */
const MAX_WAITING = 4 * 1024 * 1024;

/**
 * Writes lines to standard error in pieces. Whoever reads it may be slower than a program prints, and what waits is in this
 * process's memory: lines beyond some MiB are left out, with a note of how many.
 */
export function boundedWriter({ stderr }: Pick<Io, 'stderr'>): { write(line: string): void; flush(): void } {
  let waiting: string[] = [];
  let size = 0;
  let leftOut = 0;
  let scheduled: NodeJS.Immediate | undefined;
  const flush = (): void => {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (leftOut > 0 && stderr.writableLength <= MAX_WAITING) noteLeftOut();
    if (size === 0) return;
    stderr.write(waiting.join(''));
    [waiting, size] = [[], 0];
  };
  const add = (line: string): void => {
    waiting.push(line);
    size += line.length;
  };
  const noteLeftOut = (): void => {
    add(`    [… ${leftOut} lines left out: nobody read them …]\n`);
    leftOut = 0;
  };
  return {
    write: (line) => {
      if (stderr.writableLength > MAX_WAITING) {
        leftOut++;
        return;
      }
      if (leftOut > 0) noteLeftOut();
      add(line);
      if (size >= PIECE) flush();
      else scheduled ??= setImmediate(flush);
    },
    flush,
  };
}
