/** The fields of a cron expression as data, and the values that a field means: lists, ranges, steps, names. */
import { InvalidScheduleError } from './invalid-schedule.ts';

interface CronField {
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on, in lower case. */
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export const CRON_FIELDS = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  'day-of-month': { min: 1, max: 31 },
  month: { min: 1, max: 12, names: MONTHS },
  'day-of-week': { min: 1, max: 7, names: WEEKDAYS },
  year: { min: 1970, max: 2199 },
} as const satisfies Readonly<Record<string, CronField>>;

export type CronFieldName = keyof typeof CRON_FIELDS;

/** The values of `*`, `5`, `1-5`, `MON,WED`, `0/15` and `10-20/2`, rising. @throws InvalidScheduleError */
export function readValues(field: CronFieldName, text: string): readonly number[] {
  const values = new Set(text.split(',').flatMap((part) => readPart(field, part)));
  return [...values].sort((a, b) => a - b);
}

function readPart(field: CronFieldName, part: string): readonly number[] {
  const { max } = CRON_FIELDS[field];
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0) throw wrong(field, part);
  const [from, to] = readRange(field, range, part);
  if (step === undefined) return steps(from, to ?? from, 1);
  if (!/^\d{1,4}$/.test(step) || Number(step) === 0) throw wrong(field, part);
  // `5/15` goes on to the end of the field.
  return steps(from, to ?? max, Number(step));
}

function readRange(field: CronFieldName, range: string, part: string): readonly [number, number | undefined] {
  const { min, max } = CRON_FIELDS[field];
  if (range === '*') return [min, max];
  const [first = '', last, ...more] = range.split('-');
  if (more.length > 0) throw wrong(field, part);
  const from = readNumber(field, first, part);
  if (last === undefined) return [from, undefined];
  const to = readNumber(field, last, part);
  if (to < from) throw new InvalidScheduleError(`The range '${range}' of ${field} ends before it begins.`);
  return [from, to];
}

/** One value, as number or name. `within` is what the message quotes. @throws InvalidScheduleError */
export function readNumber(field: CronFieldName, text: string, within = text): number {
  const { min, max, names }: CronField = CRON_FIELDS[field];
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  const value = named >= 0 ? min + named : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw wrong(field, within);
  return value;
}

function steps(from: number, to: number, step: number): readonly number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function wrong(field: CronFieldName, text: string): InvalidScheduleError {
  const { min, max, names }: CronField = CRON_FIELDS[field];
  const also = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`;
  return new InvalidScheduleError(
    `'${text}' is no value of ${field}, which takes ${min} to ${max}${also}, as values, lists (,), ranges (-), steps (/) or *.`,
  );
}
