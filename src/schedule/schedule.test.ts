import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseSchedule } from './schedule.ts';

const since = new Date('2026-01-01T00:00:00Z');

function slots(expression: string, after: string, count: number, timezone?: string): string[] {
  const schedule = parseSchedule({ expression, timezone, since });
  const found: string[] = [];
  for (let at = new Date(after); found.length < count; ) {
    const next = schedule.next(at);
    if (next === undefined) break;
    found.push(next.toISOString().slice(0, 16));
    at = next;
  }
  return found;
}

describe('cron', () => {
  /** The first three slots after 2026-11-23T10:00 (a Monday), in UTC. */
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['0 10 ? * MON *', ['2026-11-30T10:00', '2026-12-07T10:00', '2026-12-14T10:00']],
    ['0/15 * * * ? *', ['2026-11-23T10:15', '2026-11-23T10:30', '2026-11-23T10:45']],
    ['10-20/5 8 ? * 2-4 *', ['2026-11-24T08:10', '2026-11-24T08:15', '2026-11-24T08:20']],
    ['*/30 9,17 * * ? *', ['2026-11-23T17:00', '2026-11-23T17:30', '2026-11-24T09:00']],
    ['0 0 L * ? *', ['2026-11-30T00:00', '2026-12-31T00:00', '2027-01-31T00:00']],
    ['0 0 L 2 ? *', ['2027-02-28T00:00', '2028-02-29T00:00', '2029-02-28T00:00']],
    ['0 0 ? * L *', ['2026-11-28T00:00', '2026-12-05T00:00', '2026-12-12T00:00']],
    ['0 0 ? * 6L *', ['2026-11-27T00:00', '2026-12-25T00:00', '2027-01-29T00:00']],
    ['0 0 ? * friL *', ['2026-11-27T00:00', '2026-12-25T00:00', '2027-01-29T00:00']],
    ['0 0 ? * fri#2 *', ['2026-12-11T00:00', '2027-01-08T00:00', '2027-02-12T00:00']],
    ['0 0 ? * 2#5 *', ['2026-11-30T00:00', '2027-03-29T00:00', '2027-05-31T00:00']],
    // The 1st is a Friday, a Monday and a Monday; the 2nd of January 2027 is a Saturday.
    ['0 0 2W 1-3 ? *', ['2027-01-01T00:00', '2027-02-02T00:00', '2027-03-02T00:00']],
    // Saturday the 1st of May 2027 moves forwards, as it must not leave its month.
    ['0 0 1W 5 ? *', ['2027-05-03T00:00', '2028-05-01T00:00', '2029-05-01T00:00']],
    // Sunday the 31st of January 2027 moves backwards by two days.
    ['0 0 31W 1 ? *', ['2027-01-29T00:00', '2028-01-31T00:00', '2029-01-31T00:00']],
    ['0 0 31W 4,5 ? *', ['2027-05-31T00:00', '2028-05-31T00:00', '2029-05-31T00:00']],
    ['0 12 29 2 ? *', ['2028-02-29T12:00', '2032-02-29T12:00', '2036-02-29T12:00']],
    ['5 4 3 jan,JUL ? 2027-2028', ['2027-01-03T04:05', '2027-07-03T04:05', '2028-01-03T04:05']],
    ['0 0 1 1 ? 2199', ['2199-01-01T00:00']],
    ['0 0 1 1 ? 2020', []],
  ];
  for (const [cron, expected] of cases) {
    it(`(${cron})`, () => assert.deepEqual(slots(`cron(${cron})`, '2026-11-23T10:00:00Z', 3), expected));
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['0 10 * * ?', /six fields .* has 5/],
    ['0 10  * * ? *', /single spaces.*further spaces/],
    ['0 0 * * SUN *', /Exactly one of day-of-month and day-of-week must be '\?'/],
    ['0 0 ? * ? *', /Exactly one/],
    ['60 0 * * ? *', /'60' is no value of minute, which takes 0 to 59/],
    ['-1 0 * * ? *', /'-1' is no value of minute/],
    ['0 24 * * ? *', /'24' is no value of hour/],
    ['0 0 0 * ? *', /'0' is no value of day-of-month/],
    ['0 0 ? * 0 *', /'0' is no value of day-of-week, which takes 1 to 7 or sun to sat/],
    ['0 0 1 * ? 1969', /'1969' is no value of year/],
    ['5-1 0 * * ? *', /ends before it begins/],
    ['*/0 0 * * ? *', /'\*\/0' is no value/],
    ['1/2/3 0 * * ? *', /is no value/],
    ['1,,2 0 * * ? *', /'' is no value/],
    ['0 0 1,L * ? *', /'L' and 'W' stand alone/],
    ['0 0 LW * ? *', /'LW' is no value of day-of-month/],
    ['0 0 ? * fri#6 *', /after '#' comes 1 to 5/],
    ['0 0 ? * fri#1,fri#3 *', /stand alone/],
    ['0 0 31 2 ? *', /never matches/],
    ['? 0 * * ? *', /'\?' is no value of minute/],
  ];
  for (const [cron, message] of refused) {
    it(`(${cron}) is refused`, () => {
      assert.throws(() => parseSchedule({ expression: `cron(${cron})`, since }), {
        name: 'InvalidScheduleError',
        message,
      });
    });
  }

  it('is wrapped, and in a time zone that there is', () => {
    for (const expression of ['0 10 * * ? *', 'Cron(0 10 * * ? *)', 'at(2026-01-01T00:00:00)', 'cron(0 10 * * ? *) ']) {
      assert.throws(() => parseSchedule({ expression, since }), /is neither cron\(minute/);
    }
    const expression = 'cron(0 10 * * ? *)';
    assert.throws(
      () => parseSchedule({ expression, timezone: 'Mars/Olympus', since }),
      /'Mars\/Olympus' is not a time zone/,
    );
  });
});

describe('daylight saving', () => {
  it('leaves out times that clocks leave out', () => {
    // 2027-03-28: 02:00 becomes 03:00 in Berlin.
    const found = slots('cron(30 2 * * ? *)', '2027-03-26T12:00:00Z', 3, 'Europe/Berlin');
    assert.deepEqual(found, ['2027-03-27T01:30', '2027-03-29T00:30', '2027-03-30T00:30']);
  });

  it('counts times once that clocks show twice, the first of them', () => {
    // 2026-11-01: 02:00 becomes 01:00 in New York.
    const daily = slots('cron(30 1 * * ? *)', '2026-10-30T12:00:00Z', 3, 'America/New_York');
    assert.deepEqual(daily, ['2026-10-31T05:30', '2026-11-01T05:30', '2026-11-02T06:30']);
    const often = slots('cron(0/30 * * * ? *)', '2026-11-01T04:45:00Z', 4, 'America/New_York');
    assert.deepEqual(often, ['2026-11-01T05:00', '2026-11-01T05:30', '2026-11-01T07:00', '2026-11-01T07:30']);
  });

  it('is right where days begin without a midnight, and where clocks go back over midnight', () => {
    // 2026-09-06 in Santiago begins at 01:00.
    const missing = slots('cron(0 0 * * ? *)', '2026-09-05T12:00:00Z', 1, 'America/Santiago');
    assert.deepEqual(missing, ['2026-09-07T03:00']);
    // 2026-04-05 00:00 becomes 2026-04-04 23:00 there.
    const twice = slots('cron(30 23 * * ? *)', '2026-04-04T00:00:00Z', 3, 'America/Santiago');
    assert.deepEqual(twice, ['2026-04-04T02:30', '2026-04-05T02:30', '2026-04-06T03:30']);
  });
});

describe('rate', () => {
  it('counts from the beginning', () => {
    assert.deepEqual(slots('rate(1 hour)', '2026-01-01T05:59:59Z', 2), ['2026-01-01T06:00', '2026-01-01T07:00']);
    assert.deepEqual(slots('rate(90 minutes)', '2026-01-01T00:00:00Z', 2), ['2026-01-01T01:30', '2026-01-01T03:00']);
    assert.deepEqual(slots('rate(7 days)', '2026-01-09T00:00:00Z', 1), ['2026-01-15T00:00']);
    assert.deepEqual(slots('rate(2 days)', '2020-01-01T00:00:00Z', 1), ['2026-01-03T00:00']);
    assert.deepEqual(slots('rate(999999999 days)', '2026-01-01T00:00:00Z', 1), []);
  });

  it('is refused otherwise', () => {
    for (const rate of [
      '0 hours',
      '1 hours',
      '5 hour',
      '1 week',
      '30 seconds',
      '-1 days',
      '1.5 hours',
      '',
      '1  hour',
    ]) {
      const parse = (): unknown => parseSchedule({ expression: `rate(${rate})`, since });
      assert.throws(parse, /is not a rate: it is a number from 1 with minute/, rate);
    }
  });
});

/** A second opinion: looks at the local time of every minute. */
function bruteForce(fields: Fields, zone: string, after: number, minutes: number): number | undefined {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const seen = new Set<string>();
  const first = Math.floor(after / 60_000) * 60_000 - 180 * 60_000;
  for (let at = first; at < first + minutes * 60_000; at += 60_000) {
    const text = format.format(at);
    const isRepeated = seen.has(text);
    seen.add(text);
    const [, weekday = '', month, day, , hour, minute] = /^(\w+), (\d+)\/(\d+)\/(\d+), (\d+):(\d+)$/.exec(text) ?? [];
    const matches =
      fields.minute.includes(Number(minute)) &&
      fields.hour.includes(Number(hour)) &&
      fields.month.includes(Number(month)) &&
      (fields.weekdays === undefined
        ? fields.days.includes(Number(day))
        : fields.weekdays.includes(['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(weekday) + 1));
    if (at > after && matches && !isRepeated) return at;
  }
  return undefined;
}

interface Fields {
  readonly minute: readonly number[];
  readonly hour: readonly number[];
  readonly days: readonly number[];
  readonly month: readonly number[];
  readonly weekdays: readonly number[] | undefined;
}

const some = (min: number, max: number) => fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 6 });

/** Whether the month has such a day in some year. */
function hasDay(month: number, day: number): boolean {
  return new Date(Date.UTC(2028, month - 1, day)).getUTCDate() === day;
}

/** Hours when clocks change, and any others. */
const ZONES = [
  ['Europe/Berlin', '2027-03-28T01:00:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z'],
  ['America/New_York', '2026-11-01T06:00:00Z'],
  ['Australia/Lord_Howe', '2027-04-03T15:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ['America/Santiago', '2026-09-06T04:00:00Z'],
  ['America/Santiago', '2026-04-05T03:00:00Z'],
  ['Asia/Kathmandu', '2026-12-31T18:15:00Z'],
  ['UTC', '2026-02-28T23:00:00Z'],
] as const;

it('finds what looking at every minute finds', () => {
  const fields = fc.record({
    minute: some(0, 59),
    hour: some(0, 23),
    days: some(1, 31),
    month: fc.oneof(fc.constant([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), some(1, 12)),
    weekdays: fc.option(some(1, 7), { nil: undefined }),
  });
  const property = fc.property(
    fields,
    fc.constantFrom(...ZONES),
    fc.integer({ min: -24 * 60, max: 4 * 60 }),
    (given: Fields, [zone, change], offset) => {
      const after = Date.parse(change) + offset * 60_000 + 17_000;
      const weekdays = given.weekdays?.join(',') ?? '?';
      const days = given.weekdays === undefined ? given.days.join(',') : '?';
      const expression = `cron(${given.minute} ${given.hour} ${days} ${given.month} ${weekdays} *)`;
      if (given.weekdays === undefined && !given.month.some((month) => given.days.some((day) => hasDay(month, day)))) {
        assert.throws(() => parseSchedule({ expression, timezone: zone, since }), /never matches/, expression);
        return;
      }
      const found = parseSchedule({ expression, timezone: zone, since }).next(new Date(after))?.getTime();
      const minutes = 3 * 24 * 60;
      const expected = bruteForce(given, zone, after, minutes);
      if (expected === undefined)
        assert.ok(found === undefined || found >= after + (minutes - 200) * 60_000, expression);
      else assert.equal(new Date(found ?? 0).toISOString(), new Date(expected).toISOString(), `${expression} ${zone}`);
    },
  );
  fc.assert(property, {
    numRuns: 150,
    examples: [
      [{ minute: [0], hour: [0], days: [30], month: [2], weekdays: undefined }, ['UTC', '2026-02-28T23:00:00Z'], 0],
      [{ minute: [0], hour: [0], days: [29], month: [2], weekdays: undefined }, ['UTC', '2026-02-28T23:00:00Z'], 0],
    ],
  });
});
