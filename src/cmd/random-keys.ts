import { randomInt } from 'node:crypto';

/** An id as IAM makes them: a prefix that says what it is of, and 16 letters and digits. */
export function randomKeyId(prefix: 'AKIA' | 'AIDA'): string {
  return prefix + randomText(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');
}

/** A secret access key: 40 characters, 240 bits. */
export function randomSecret(): string {
  return randomText(40, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
}

function randomText(length: number, alphabet: string): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
