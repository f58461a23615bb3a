import assert from 'node:assert/strict';

/** A defect that keeps something from coming must not hang the suite. */
const MOST_MS = 240_000;

/**
 * Does it again until the database is there: the test's own connections break, too. A failed assertion passes, and what
 * fails for too long.
 */
export async function tolerant<Result>(work: () => Promise<Result>): Promise<Result> {
  const begin = performance.now();
  for (;;) {
    const done = await work().then(
      (result) => ({ result }),
      (error: unknown) => {
        if (error instanceof assert.AssertionError || performance.now() - begin > MOST_MS) throw error;
        return undefined;
      },
    );
    if (done !== undefined) return done.result;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Waits until nothing is left of what stands in the way.
 *
 * @throws AssertionError with `what` and what is left, when that takes too long.
 */
export async function untilNone(what: string, left: () => Promise<readonly unknown[]>): Promise<void> {
  const begin = performance.now();
  for (;;) {
    const there = await tolerant(left);
    if (there.length === 0) return;
    if (performance.now() - begin > MOST_MS) assert.fail(`${what}: ${JSON.stringify(there)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** @throws AssertionError with `what`, when that takes too long. */
export async function inTime<Result>(what: string, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new assert.AssertionError({ message: `No end: ${what}` })), MOST_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
