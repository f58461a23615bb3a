/** Texts with `*` for any characters; `\*` and `\\` are a star and a backslash themselves. */
export type Wildcard = readonly string[];

/** The texts between the stars. Undefined for two stars in a row, and for a backslash before anything else. */
export function parseWildcard(text: string): Wildcard | undefined {
  const pieces = [''];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (character === '\\') {
      const escaped = text[index + 1];
      if (escaped !== '*' && escaped !== '\\') return undefined;
      pieces[pieces.length - 1] += escaped;
      index += 1;
    } else if (character === '*') {
      if (pieces.length > 1 && pieces.at(-1) === '') return undefined;
      pieces.push('');
    } else {
      pieces[pieces.length - 1] += character;
    }
  }
  return pieces;
}

/** Takes the first place that fits for each piece, so its time grows with the text and never explodes. */
export function matchesWildcard([first = '', ...rest]: Wildcard, text: string): boolean {
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}
