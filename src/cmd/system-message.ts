const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is not a folder',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** An error of the operating system in words, with the file that it is about; any other error's message. */
export function systemMessage(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const meaning = SYSTEM_ERRORS[code];
  if (meaning === undefined) return error.message;
  return 'path' in error && typeof error.path === 'string'
    ? `${error.path}: ${meaning}`
    : `${error.message}: ${meaning}`;
}
