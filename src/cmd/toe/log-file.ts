import { closeSync, openSync, writeSync } from 'node:fs';

/** Characters that wait to be written. */
const MAX_WAITING = 64 * 1024;
/** Whoever follows the file sees a line after this time. */
const WRITE_AFTER_MS = 100;

/**
 * A log that only its owner may read. Lines are written in blocks and at once: a stream would take whatever a program prints
 * into memory when the disk is slower.
 */
export class LogFile {
  #descriptor: number | undefined;
  #waiting: string[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'a', 0o600);
  }

  write(line: string): void {
    this.#waiting.push(line, '\n');
    this.#size += line.length + 1;
    if (this.#size >= MAX_WAITING) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), WRITE_AFTER_MS);
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    this.#flush();
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bytes = Buffer.from(this.#waiting.join(''));
    [this.#waiting, this.#size] = [[], 0];
    for (let at = 0; this.#descriptor !== undefined && at < bytes.length; ) {
      at += writeSync(this.#descriptor, bytes, at);
    }
  }
}
