/**
 * When a pipeline runs: `cron(…)` in a time zone, or `rate(…)` from a beginning. Source: EC2 Image Builder User Guide,
 * "Use cron expressions in Image Builder"; for daylight saving, EventBridge Scheduler User Guide, "Schedule types".
 */
import { type CronExpression, parseCron } from './cron-expression.ts';
import { daysOfMonth } from './days-of-month.ts';
import { InvalidScheduleError } from './invalid-schedule.ts';
import { createTimeZones, type TimeZone, type TimeZones } from './time-zone.ts';

export interface Schedule {
  /** The first slot later than `after`; undefined when there is none any more. */
  next(after: Date): Date | undefined;
}

export interface ScheduleSource {
  /** `cron(0 10 ? * MON *)`, `rate(2 days)` */
  readonly expression: string;
  /** IANA name; UTC when left out. A rate does not look at it. */
  readonly timezone?: string | undefined;
  /** What a rate counts from. */
  readonly since: Date;
}

const UNITS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
const FIRST_INSTANT = new Date(Date.UTC(1970, 0, 1) - 1);
const LAST_INSTANT = Date.UTC(2200, 0, 1);

/**
 * @param zones to be shared by whoever reads many schedules at once
 * @throws InvalidScheduleError
 */
export function parseSchedule(
  { expression, timezone = 'UTC', since }: ScheduleSource,
  zones: TimeZones = createTimeZones(),
): Schedule {
  const zone = zones(timezone);
  if (zone === undefined) {
    throw new InvalidScheduleError(`'${timezone}' is not a time zone; zones are named as in 'Europe/Berlin'.`);
  }
  const [, kind, inside = ''] = /^(cron|rate)\((.*)\)$/.exec(expression) ?? [];
  if (kind === 'rate') return rate(inside, since);
  if (kind === 'cron') return cron(inside, zone);
  throw new InvalidScheduleError(
    `'${expression}' is neither cron(minute hour day-of-month month day-of-week year) nor rate(value unit).`,
  );
}

function rate(text: string, since: Date): Schedule {
  const [, digits = '', unit = '', plural = ''] = /^([1-9]\d{0,8}) (minute|hour|day)(s?)$/.exec(text) ?? [];
  if ((plural === '') !== (digits === '1')) {
    throw new InvalidScheduleError(
      `'rate(${text})' is not a rate: it is a number from 1 with minute, hour or day for 1, else minutes, hours or days.`,
    );
  }
  const period = Number(digits) * UNITS[unit as keyof typeof UNITS];
  const begin = since.getTime();
  return {
    next: (after) => {
      const passed = Math.max(0, Math.floor((after.getTime() - begin) / period));
      return within(begin + (passed + 1) * period);
    },
  };
}

function cron(text: string, zone: TimeZone): Schedule {
  const expression = parseCron(text);
  const schedule = { next: (after: Date) => nextMatch(expression, zone, after) };
  if (schedule.next(FIRST_INSTANT) === undefined) {
    throw new InvalidScheduleError(`'cron(${text})' never matches: no month has such a day.`);
  }
  return schedule;
}

/**
 * Local times in rising order, each turned into the instant when clocks show it for the first time: those that clocks
 * leave out are skipped, those that they show twice count once.
 */
function nextMatch(expression: CronExpression, zone: TimeZone, after: Date): Date | undefined {
  const { minutes, hours, months, years, days } = expression;
  const from = new Date(after.getTime() + zone.offsetAt(after.getTime()));
  const [thisYear, thisMonth, today] = [from.getUTCFullYear(), from.getUTCMonth() + 1, from.getUTCDate()];
  for (const year of years) {
    if (year < thisYear) continue;
    for (const month of months) {
      if (year === thisYear && month < thisMonth) continue;
      for (const day of daysOfMonth(days, year, month)) {
        const isToday = year === thisYear && month === thisMonth && day === today;
        if (year === thisYear && month === thisMonth && day < today) continue;
        for (const hour of hours) {
          if (isToday && hour < from.getUTCHours()) continue;
          for (const minute of minutes) {
            const instant = zone.instantOf(Date.UTC(year, month - 1, day, hour, minute));
            if (instant !== undefined && instant > after.getTime()) return within(instant);
          }
        }
      }
    }
  }
  return undefined;
}

function within(instant: number): Date | undefined {
  return instant < LAST_INSTANT ? new Date(instant) : undefined;
}
