/** A token bucket: so many requests at once, and so many more each second. */
export interface RequestRate {
  readonly perSecond: number;
  /** The most that may come at once after a quiet time. */
  readonly burst: number;
}

export interface RateLimit {
  /** Takes one request of `who`: undefined when it may go on, else the seconds after which it may try again. */
  take(who: string, now: Date): number | undefined;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Each `who` has a bucket of its own; full ones are forgotten. */
export function createRateLimit({ perSecond, burst }: RequestRate): RateLimit {
  const buckets = new Map<string, Bucket>();
  const forget = (now: number): void => {
    for (const [who, { tokens, at }] of buckets) {
      if (tokens + ((now - at) / 1_000) * perSecond >= burst) buckets.delete(who);
    }
  };
  return {
    take: (who, date) => {
      const now = date.getTime();
      if (buckets.size > 1_000) forget(now);
      const bucket = buckets.get(who) ?? { tokens: burst, at: now };
      buckets.set(who, bucket);
      // A clock that was set back gives nothing, and takes nothing away.
      const elapsed = Math.max(0, now - bucket.at) / 1_000;
      bucket.tokens = Math.min(burst, bucket.tokens + elapsed * perSecond);
      bucket.at = now;
      if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / perSecond);
      bucket.tokens -= 1;
      return undefined;
    },
  };
}
