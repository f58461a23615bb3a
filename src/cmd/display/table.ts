import { displayWidth, sanitise } from './text.ts';

/** A table in columns as wide as they need to be, with a line end behind each row. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(sanitise));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => displayWidth(row[column] ?? ''))));
  const pad = (text: string, column: number): string => text + ' '.repeat((widths[column] ?? 0) - displayWidth(text));
  return cells.map((row) => `${row.map(pad).join('  ').trimEnd()}\n`).join('');
}
