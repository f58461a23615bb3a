/**
 * What long work says while it goes on. The engine, drivers and the interpreter report here; the log, the live display
 * and tests listen. Calls never throw and never block.
 */
export interface Monitor {
  /** A finished line of output or of progress, without its line end. */
  line(source: LineSource, text: string): void;
}

/**
 * Where a line came from: the program being run (`stdout`, `stderr`), the serial console of an instance (`console`),
 * or Kiln itself (`kiln`).
 */
export type LineSource = 'stdout' | 'stderr' | 'console' | 'kiln';

export const silentMonitor: Monitor = { line: () => {} };
