import { constants } from 'node:os';

/** The number of a signal by its name, with or without `SIG`; 0 for a name that Linux does not know. */
export function signalNumber(name: string | null | undefined): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return numbers[`SIG${(name ?? '').replace(/^SIG/, '')}`] ?? 0;
}
