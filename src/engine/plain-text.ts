/**
 * Output of a guest as text that a database column and a terminal can hold: without NUL, half surrogate pairs, escape
 * sequences and other control characters but tab and line end.
 */
export function plainText(text: string): string {
  return text
    .toWellFormed()
    .replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
}

/** Lines become one, joined by bars. */
export function oneLine(text: string): string {
  return plainText(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' | ');
}

export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
