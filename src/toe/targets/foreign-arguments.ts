import { hasForeignBytes } from '../../util/os-text.ts';

/** Decodes its arguments and becomes the program that they name. A newline at an end survives by the dot behind it. */
const DECODE = `
count=$#
while [ "$count" -gt 0 ]; do
  word=$(printf '%b.' "$1")
  shift
  set -- "$@" "\${word%.}"
  count=$((count - 1))
done
exec "$@"
`;

/**
 * Arguments as this process can pass them on: Node makes UTF-8 of every argument, so bytes that are not (see `os-text.ts`)
 * go through a shell, written as octal numbers.
 */
export function spawnable(argv: readonly [string, ...string[]]): readonly [string, ...string[]] {
  if (!argv.some(hasForeignBytes)) return argv;
  return ['/bin/sh', '-c', DECODE, 'sh', ...argv.map(octal)];
}

function octal(word: string): string {
  return word.replace(/\\|[\udc80-\udcff]/gu, (found) =>
    found === '\\' ? '\\\\' : `\\0${(found.charCodeAt(0) - 0xdc00).toString(8)}`,
  );
}
