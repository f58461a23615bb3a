export interface FoundFile {
  readonly path: string;
  readonly size: number;
}

/** More names than that are no upload of one step. */
export const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** Reads SIZE NUL PATH NUL of every file. */
export function foundFiles(listed: string): readonly FoundFile[] {
  const words = listed.split('\0').slice(0, -1);
  return Array.from({ length: words.length / 2 }, (_, index) => ({
    size: Number(words[index * 2]),
    path: words[index * 2 + 1] ?? '',
  }));
}
