import type { DayRule } from './cron-expression.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const SATURDAY = 7;
const SUNDAY = 1;

/** The days of a month (1 to 12) that a rule means, rising. A `31W` or `fri#5` that a month does not have means none. */
export function daysOfMonth(rule: DayRule, year: number, month: number): readonly number[] {
  const last = lengthOfMonth(year, month);
  const all = Array.from({ length: last }, (_, index) => index + 1);
  const weekday = (day: number): number => weekdayOf(year, month, day);
  switch (rule.kind) {
    case 'days-of-month':
      return all.filter((day) => rule.days.has(day));
    case 'last-day-of-month':
      return [last];
    case 'weekday-nearest':
      return rule.day > last ? [] : [nearestWeekday(rule.day, last, weekday(rule.day))];
    case 'days-of-week':
      return all.filter((day) => rule.days.has(weekday(day)));
    case 'last-of-month':
      return all.filter((day) => weekday(day) === rule.day).slice(-1);
    case 'nth-of-month':
      return all.filter((day) => weekday(day) === rule.day).slice(rule.nth - 1, rule.nth);
  }
}

/** Monday to Friday, never in another month. */
function nearestWeekday(day: number, last: number, weekday: number): number {
  if (weekday === SATURDAY) return day === 1 ? day + 2 : day - 1;
  if (weekday === SUNDAY) return day === last ? day - 2 : day + 1;
  return day;
}

function lengthOfMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** 1 (Sunday) to 7. */
function weekdayOf(year: number, month: number, day: number): number {
  return new Date(Math.floor(Date.UTC(year, month - 1, day) / DAY_MS) * DAY_MS).getUTCDay() + 1;
}
