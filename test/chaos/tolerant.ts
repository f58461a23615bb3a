import assert from 'node:assert/strict';

/** Does it again until the database is there: the test's own connections break, too. A failed assertion passes. */
export async function tolerant<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    const done = await work().then(
      (result) => ({ result }),
      (error: unknown) => {
        if (error instanceof assert.AssertionError) throw error;
        return undefined;
      },
    );
    if (done !== undefined) return done.result;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await tolerant(isSo))) await new Promise((resolve) => setTimeout(resolve, 10));
}
