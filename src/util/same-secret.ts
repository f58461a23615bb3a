import { createHmac, generateKeySync, timingSafeEqual } from 'node:crypto';

/** Of this process: what is compared is known to nobody who could choose texts for it. */
const key = generateKeySync('hmac', { length: 256 });

/**
 * Whether two texts are the same. How long that takes does not tell how much of `given` is right, nor the length of
 * `expected`. Every secret that somebody sends (a signature, a token) is compared with this and never with `===`.
 */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

/** UTF-16: in UTF-8 all halves of surrogate pairs would be the same. */
function digest(text: string): Uint8Array {
  return createHmac('sha256', key).update(Buffer.from(text, 'utf16le')).digest();
}
