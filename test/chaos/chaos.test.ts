/**
 * Random builds on the simulated build host, while workers are killed and frozen, the database breaks off its connections,
 * restarts or is killed, and what delivers events is killed, all at random points.
 */
import { test } from 'node:test';
import { checkBuilds } from './check-builds.ts';

const BUILDS_PER_RUN = 100;

test('whatever kills or freezes workers or breaks off the database, 500 builds end as they must, nothing is done twice, and every event arrives', {
  timeout: 600_000,
}, async () => {
  await checkBuilds({ runs: 500 / BUILDS_PER_RUN, builds: BUILDS_PER_RUN });
});
