/** Local times of a time zone as the IANA database has them, through Intl. */

const DAY_MS = 24 * 60 * 60 * 1_000;

export interface TimeZone {
  /** Milliseconds that the zone's clocks are ahead of UTC at this instant. */
  offsetAt(instant: number): number;
  /**
   * The instant when clocks of the zone first show a local time, given as if it were UTC. Undefined when they never do,
   * because they are put forward over it.
   */
  instantOf(local: number): number | undefined;
}

const UTC: TimeZone = { offsetAt: () => 0, instantOf: (local) => local };

/** Zones by their IANA names; undefined when there is none of the name. */
export type TimeZones = (name: string) => TimeZone | undefined;

/** Remembers the zones that were asked for: a formatter costs 100 µs to make. For one piece of work, not for ever. */
export function createTimeZones(): TimeZones {
  const zones = new Map<string, TimeZone | undefined>([['UTC', UTC]]);
  return (name) => {
    if (!zones.has(name)) zones.set(name, makeZone(name));
    return zones.get(name);
  };
}

function makeZone(name: string): TimeZone | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch {
    return undefined;
  }
  const offsetAt = (instant: number): number => readOffset(format.format(instant));
  return { offsetAt, instantOf: (local) => firstInstant(local, offsetAt) };
}

/** Clocks are put forward or back at most once within two days, so one of the two offsets around it is right. */
function firstInstant(local: number, offsetAt: TimeZone['offsetAt']): number | undefined {
  const before = local - offsetAt(local - DAY_MS);
  const after = local - offsetAt(local + DAY_MS);
  return [Math.min(before, after), Math.max(before, after)].find((instant) => instant + offsetAt(instant) === local);
}

/** `11/23/2026, GMT+05:30` */
function readOffset(text: string): number {
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text) ?? [];
  const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
  return sign === '-' ? -size : size;
}
