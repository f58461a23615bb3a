import { isUtf8 } from 'node:buffer';

/*
 * Text from and for an operating system. File names and output are bytes there, mostly UTF-8. A byte that is no part of
 * UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, and becomes the same byte again on its way back: Python does the
 * same ("surrogateescape", PEP 383). Such text must not reach logs, messages and databases: `toWellFormed()` is for them.
 */

const FIRST = 0xdc80;
const LAST = 0xdcff;

/** Every sequence of bytes has a text of its own; UTF-8 is what it always was. */
export function decodeOsText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += bytes.toString('utf8', from, at) + String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    at++;
    from = at;
  }
  return text + bytes.toString('utf8', from);
}

/** The bytes of a text. */
export function encodeOsText(text: string): Buffer {
  if (!hasForeignBytes(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isForeignByte(text, at)) continue;
    parts.push(Buffer.from(text.slice(from, at), 'utf8'), Buffer.of(text.charCodeAt(at) - 0xdc00));
    from = at + 1;
  }
  parts.push(Buffer.from(text.slice(from), 'utf8'));
  return Buffer.concat(parts);
}

/** Whether there are bytes in it that are not UTF-8. */
export function hasForeignBytes(text: string): boolean {
  if (text.isWellFormed()) return false;
  for (let at = 0; at < text.length; at++) if (isForeignByte(text, at)) return true;
  return false;
}

/** A value with every string in it fit for logs and databases, at any depth; what was a foreign byte is U+FFFD. */
export function wellFormed<Value>(value: Value): Value {
  if (typeof value === 'string') return value.toWellFormed() as Value;
  if (Array.isArray(value)) return value.map((item) => wellFormed(item)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wellFormed(item)])) as Value;
}

/** A low surrogate that no high one stands before. */
function isForeignByte(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < FIRST || code > LAST) return false;
  const before = at === 0 ? 0 : text.charCodeAt(at - 1);
  return before < 0xd800 || before > 0xdbff;
}

/** Length of the UTF-8 sequence that begins here; 0 when none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + length > bytes.length) return 0;
  return length === 1 || isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
