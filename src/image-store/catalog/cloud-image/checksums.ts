/** A file in a list of checksums. */
export interface Checksum {
  readonly file: string;
  /** Lower-case hex. */
  readonly digest: string;
}

const LENGTHS = { sha256: 64, sha512: 128 } as const;

/**
 * Reads a list as sha256sum writes it (`HEX  FILE`, `HEX *FILE`) or in BSD's form (`SHA256 (FILE) = HEX`). Lines of
 * other forms are passed over: lists begin with comments, and signed ones carry their signature.
 */
export function parseChecksums(text: string, algorithm: 'sha256' | 'sha512'): readonly Checksum[] {
  const length = LENGTHS[algorithm];
  const checksums: Checksum[] = [];
  for (const line of text.split('\n')) {
    const match =
      /^(?<digest>[0-9a-fA-F]+) [ *](?:\.\/)?(?<file>\S+)\s*$/.exec(line) ??
      /^SHA(?:256|512) \((?<file>[^)]+)\) = (?<digest>[0-9a-fA-F]+)\s*$/.exec(line);
    const { digest, file } = match?.groups ?? {};
    if (digest?.length === length && file !== undefined) checksums.push({ file, digest: digest.toLowerCase() });
  }
  return checksums;
}

/** The checksum of the highest file name that matches as a whole; names with a folder in them never match. */
export function chooseChecksum(checksums: readonly Checksum[], file: RegExp): Checksum | undefined {
  return checksums
    .filter((checksum) => !checksum.file.includes('/') && file.exec(checksum.file)?.[0] === checksum.file)
    .sort((a, b) => a.file.localeCompare(b.file, 'en', { numeric: true }))
    .at(-1);
}
