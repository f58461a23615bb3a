import { BuilderFault, coerceError } from '../../util/faults.ts';

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space (kiln images lists what can be removed by kiln rm), then try again.',
  EDQUOT: 'Raise the quota or free some space, then try again.',
  EACCES: 'The folder must belong to the user who runs Kiln.',
  EROFS: 'Mount the file system for writing, or choose another place.',
};

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission is denied',
  EROFS: 'the file system is read-only',
};

/** A system error about a file (`ENOSPC` ...) as a fault that says what could not be done and where; others unchanged. */
export function storageFault(thrown: unknown, action: string, file: string): Error {
  const error = coerceError(thrown);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const words = code === undefined ? undefined : WORDS[code];
  if (code === undefined || words === undefined) return error;
  return new BuilderFault(`${action} failed: ${words}`, {
    where: file,
    cause: error,
    ...(HINTS[code] === undefined ? {} : { hint: HINTS[code] }),
  });
}

/** What a program meant when it wrote such an error to its standard error: the code of the system error. */
export function systemErrorIn(stderr: string): string | undefined {
  if (/No space left on device/i.test(stderr)) return 'ENOSPC';
  if (/Disk quota exceeded/i.test(stderr)) return 'EDQUOT';
  if (/Read-only file system/i.test(stderr)) return 'EROFS';
  if (/Permission denied/i.test(stderr)) return 'EACCES';
  return undefined;
}
