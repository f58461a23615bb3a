import { stripVTControlCharacters } from 'node:util';

/** `7.2 s`, `1 min 5 s`, `2 h 3 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `181 MB`, in powers of ten as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${value >= 100 || power === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[power]}`;
}

/** Makes a line of a guest harmless for a terminal: no escape sequences, no control characters, tabs as spaces. */
export function sanitise(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\t', '  ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Made when it is needed first: that takes longer than the start of many commands. */
function graphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}
let segmenter: Intl.Segmenter | undefined;

/** Columns that a text without control characters takes. */
export function displayWidth(text: string): number {
  // Most lines are ASCII, and this runs for every frame.
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += /^\p{M}+$/u.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Cuts a text without control characters to at most `columns`, with an ellipsis where something is missing. */
export function clip(text: string, columns: number): string {
  if (columns <= 0) return '';
  if (displayWidth(text) <= columns) return text;
  let result = '';
  let width = 1;
  for (const { segment } of graphemes(text)) {
    width += displayWidth(segment);
    if (width > columns) break;
    result += segment;
  }
  return `${result}…`;
}
