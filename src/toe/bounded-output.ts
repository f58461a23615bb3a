import { decodeOsText } from '../util/os-text.ts';

/**
 * Keeps the head and the tail of a stream of any length, in bounded memory: the beginning says what was run, the end
 * says how it ended.
 */
export class BoundedOutput {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  readonly #head: Buffer[] = [];
  #headSize = 0;
  #tail: Buffer[] = [];
  #tailSize = 0;
  #total = 0;

  /** @param limit Bytes that are kept, half of them from the beginning. */
  constructor(limit: number) {
    this.#headLimit = Math.floor(limit / 2);
    this.#tailLimit = limit - this.#headLimit;
  }

  push(chunk: Buffer): void {
    this.#total += chunk.length;
    const room = this.#headLimit - this.#headSize;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      this.#head.push(part);
      this.#headSize += part.length;
    }
    const rest = room > 0 ? chunk.subarray(room) : chunk;
    if (rest.length === 0) return;
    this.#tail.push(rest.length > this.#tailLimit ? rest.subarray(rest.length - this.#tailLimit) : rest);
    this.#tailSize += rest.length;
    // Copying the tail together now and then keeps many tiny chunks from costing more than their bytes.
    if (this.#tailSize > 2 * this.#tailLimit || this.#tail.length > 4096) this.#compact();
  }

  /** Bytes that came in. */
  get total(): number {
    return this.#total;
  }

  /** Bytes in the middle that were left out. */
  get leftOut(): number {
    return Math.max(0, this.#total - this.#headLimit - this.#tailLimit);
  }

  /** All that was kept as OS text (see `os-text.ts`), with a note in the middle when something is left out; `margin` bytes more on each side then. */
  text(margin = 0): string {
    this.#compact();
    const all = Buffer.concat(this.#head);
    const rest = Buffer.concat(this.#tail);
    if (this.leftOut === 0) return decodeOsText(Buffer.concat([all, rest]));
    const head = all.subarray(0, Math.max(0, all.length - margin));
    const tail = rest.subarray(Math.min(margin, rest.length));
    const leftOut = this.#total - head.length - tail.length;
    return `${decodeOsText(head)}\n[… ${leftOut} bytes left out …]\n${decodeOsText(tail)}`;
  }

  #compact(): void {
    const all = Buffer.concat(this.#tail);
    const kept = all.length > this.#tailLimit ? Buffer.from(all.subarray(all.length - this.#tailLimit)) : all;
    this.#tail = [kept];
    this.#tailSize = kept.length;
  }
}
