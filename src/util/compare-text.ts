/**
 * Orders texts of our own making (times, ids) by their code units, for `sort`. `localeCompare` loads the rules of all languages first,
 * 15 ms of a command that takes 300.
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
