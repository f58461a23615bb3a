/** What webhooks and commands must be, wherever they are named. */

import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { invalidParameter } from '../contract/errors.ts';
import { hasUserInfo } from '../util/user-info.ts';

const LONGEST_URL = 2_048;
const MOST_ARGUMENTS = 64;
const LONGEST_ARGUMENT = 4_096;

/** `https:`, or `http:` to this very machine: events must not be readable or changed on the way. */
export function checkWebhookUrl(value: unknown, place: string): string {
  const url = typeof value === 'string' && value.length <= LONGEST_URL ? URL.parse(value) : null;
  if (url === null) throw invalidParameter(place, `It must be a URL of at most ${LONGEST_URL} characters.`);
  if (hasUserInfo(url)) {
    throw invalidParameter(place, 'It must have no user name and password, which would be stored and logged.');
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return url.href;
  throw invalidParameter(place, 'It must begin with https:// (http:// only for 127.0.0.1, ::1 and localhost).');
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** A program by its absolute path, with its arguments. */
export function checkCommand(value: unknown, place: string): readonly string[] {
  const isArgument = (item: unknown): item is string =>
    typeof item === 'string' && item.length <= LONGEST_ARGUMENT && !item.includes('\0');
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_ARGUMENTS || !value.every(isArgument)) {
    throw invalidParameter(place, `It must be a list of 1 to ${MOST_ARGUMENTS} texts: a program and its arguments.`);
  }
  if (!isAbsolute(value[0] ?? '')) throw invalidParameter(`${place}[0]`, 'It must be the absolute path of a program.');
  return value;
}

/** Refuses texts that the database cannot store: with NUL, or with half of a surrogate pair. */
export function checkStorable(value: unknown, place: string): void {
  JSON.stringify(value, (key, member: unknown) => {
    const texts = typeof member === 'string' ? [key, member] : [key];
    if (texts.every((text) => !text.includes('\0') && text.isWellFormed())) return member;
    throw invalidParameter(place, 'It has characters that cannot be stored (NUL, or half of a surrogate pair).');
  });
}
