/** A download that broke off. */
export interface Partial {
  readonly bytes: number;
  /** For `If-Range`: the server sends the rest only of the same file. Empty: a checksum will tell. */
  readonly validator: string;
}

/**
 * What can be gone on with after a try, from what the script said: `BYTES STATUS` and the headers of the answers, the
 * last of which counts. Undefined where the next try must begin at the beginning.
 *
 * @param before What this try went on with.
 * @param checked Whether the whole is verified by a checksum in the end.
 */
export function partialAfter(said: string, before: Partial | undefined, checked: boolean): Partial | undefined {
  const [first = '', ...lines] = said.split(/\r?\n/);
  const found = /^ *(\d+) (\d{3})$/.exec(first);
  const bytes = Number(found?.[1] ?? 0);
  if (bytes === 0) return undefined;
  // What another answer says of itself says nothing about the file.
  if (found?.[2] !== '200') return before === undefined ? undefined : { ...before, bytes };
  const headers = lastHeaders(lines);
  if (headers.get('accept-ranges') === 'none') return undefined;
  const validator = strongValidator(headers);
  if (validator === undefined && !checked) return undefined;
  return { bytes, validator: validator ?? '' };
}

function lastHeaders(lines: readonly string[]): ReadonlyMap<string, string> {
  const begin = lines.findLastIndex((line) => /^ *HTTP\//.test(line));
  return new Map(
    lines.slice(begin + 1).flatMap((line): [string, string][] => {
      const found = /^ *([!#$%&'*+.^`|~\w-]+): *(.*?) *$/.exec(line);
      return found === null ? [] : [[(found[1] ?? '').toLowerCase(), found[2] ?? '']];
    }),
  );
}

/**
 * An entity tag that is not weak, or else the time of the last change where it is older than the answer by a second at
 * least: a file may have changed twice within one. Source: RFC 9110, 8.8.2.2 and 13.1.5.
 */
function strongValidator(headers: ReadonlyMap<string, string>): string | undefined {
  const tag = headers.get('etag') ?? '';
  if (/^"[!#-~]*"$/.test(tag)) return tag;
  const modified = headers.get('last-modified') ?? '';
  if (tag !== '' || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(modified)) return undefined;
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(modified);
  return age >= 1_000 ? modified : undefined;
}
