import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anyBuild, anyMishap } from './any-build.ts';
import { openWorld } from './scenario.ts';

/**
 * Runs random builds with random mishaps and asserts that they end as they must. Fails with the seed, and with the log of
 * the build that did not.
 *
 * @param of.seed Left out: another one each time.
 * @param of.path Which of its runs comes first, as it was told with a seed.
 * @param of.builds In each run.
 * @param of.withEnds Whether workers are also asked to end.
 */
export async function checkBuilds(of: {
  readonly seed?: number;
  readonly path?: string;
  readonly runs: number;
  readonly builds: number;
  readonly withEnds?: boolean;
}): Promise<void> {
  await using world = await openWorld();
  let runs = 0;
  const { failed, seed, counterexamplePath, errorInstance } = await fc.check(
    fc.asyncProperty(
      fc.array(anyBuild, { minLength: of.builds, maxLength: of.builds }),
      fc.array(anyMishap(of.withEnds === true), { minLength: of.builds / 5, maxLength: of.builds / 2 }),
      async (builds, mishaps) => {
        // A database server takes long to come back: of three runs one has it stopped, and one has it killed.
        const what = (['restart', 'crash'] as const)[runs++ % 3];
        await world.run(builds, [...(what === undefined ? [] : [{ after: 300, what }]), ...mishaps]);
      },
    ),
    // Fewer builds would fail elsewhere.
    {
      ...{ numRuns: of.runs, endOnFailure: true },
      ...(of.seed === undefined ? {} : { seed: of.seed }),
      ...(of.path === undefined ? {} : { path: of.path }),
    },
  );
  // The builds themselves say nothing to a person; the seed has them.
  const what = errorInstance instanceof Error ? errorInstance.stack : errorInstance;
  if (failed) assert.fail(`Seed ${seed}, path ${counterexamplePath}: ${what}`);
}
