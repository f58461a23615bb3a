/** One word for a POSIX shell: whatever is in it, the shell passes it on unchanged. NUL cannot be passed at all. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
