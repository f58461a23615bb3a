/**
 * What is inside `cron( )`: six fields, minute to year, without seconds. Source: EC2 Image Builder User Guide, "Use cron
 * expressions in Image Builder"; for `6L`, EventBridge Scheduler User Guide, "Schedule types".
 */
import { CRON_FIELDS, type CronFieldName, readNumber, readValues } from './cron-fields.ts';
import { InvalidScheduleError } from './invalid-schedule.ts';

/** The values of each field, rising, and which days of a month they mean. */
export interface CronExpression {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  readonly years: readonly number[];
  readonly days: DayRule;
}

/** Days of the week are 1 (Sunday) to 7. */
export type DayRule =
  | { readonly kind: 'days-of-month'; readonly days: ReadonlySet<number> }
  | { readonly kind: 'last-day-of-month' }
  | { readonly kind: 'weekday-nearest'; readonly day: number }
  | { readonly kind: 'days-of-week'; readonly days: ReadonlySet<number> }
  | { readonly kind: 'last-of-month'; readonly day: number }
  | { readonly kind: 'nth-of-month'; readonly day: number; readonly nth: number };

const FORM =
  "A cron expression has six fields separated by single spaces: 'minute hour day-of-month month day-of-week year'";

/** @throws InvalidScheduleError that names the field and what it takes */
export function parseCron(text: string): CronExpression {
  const fields = text.split(' ');
  if (fields.length !== 6 || fields.includes('')) {
    const found = fields.filter((field) => field !== '').length;
    throw new InvalidScheduleError(`${FORM}; '${text}' has ${found}${found === 6 ? ' with further spaces' : ''}.`);
  }
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = ''] = fields;
  return {
    minutes: readValues('minute', minute),
    hours: readValues('hour', hour),
    months: readValues('month', month),
    years: readValues('year', year),
    days: readDays(dayOfMonth, dayOfWeek),
  };
}

function readDays(dayOfMonth: string, dayOfWeek: string): DayRule {
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw new InvalidScheduleError(
      `Exactly one of day-of-month and day-of-week must be '?'; they are '${dayOfMonth}' and '${dayOfWeek}'.`,
    );
  }
  return dayOfWeek === '?' ? readDayOfMonth(dayOfMonth) : readDayOfWeek(dayOfWeek);
}

function readDayOfMonth(text: string): DayRule {
  if (/^l$/i.test(text)) return { kind: 'last-day-of-month' };
  const nearest = /^(\d+)w$/i.exec(text)?.[1];
  if (nearest !== undefined) return { kind: 'weekday-nearest', day: readNumber('day-of-month', nearest) };
  refuseInLists('day-of-month', text, /[lw]/i, "'L' and 'W'");
  return { kind: 'days-of-month', days: new Set(readValues('day-of-month', text)) };
}

function readDayOfWeek(text: string): DayRule {
  // Alone it is the last day of the week.
  if (/^l$/i.test(text)) return { kind: 'days-of-week', days: new Set([CRON_FIELDS['day-of-week'].max]) };
  const last = /^([a-z0-9]+)l$/i.exec(text)?.[1];
  if (last !== undefined) return { kind: 'last-of-month', day: readNumber('day-of-week', last) };
  const [, day, nth] = /^([a-z0-9]+)#(\d+)$/i.exec(text) ?? [];
  if (day !== undefined) {
    if (!/^[1-5]$/.test(nth ?? '')) {
      throw new InvalidScheduleError(`'${text}' is not a day of the week in a month: after '#' comes 1 to 5.`);
    }
    return { kind: 'nth-of-month', day: readNumber('day-of-week', day), nth: Number(nth) };
  }
  refuseInLists('day-of-week', text, /#|\dl|^l|,l/i, "'L' and '#'");
  return { kind: 'days-of-week', days: new Set(readValues('day-of-week', text)) };
}

function refuseInLists(field: CronFieldName, text: string, special: RegExp, names: string): void {
  if (text.includes(',') && special.test(text)) {
    throw new InvalidScheduleError(`${names} stand alone in ${field} and not in a list: '${text}'.`);
  }
}
