/**
 * Looks for faults that nobody knows yet, for as long as one likes: `npm run chaos -- [RUNS] [BUILDS] [SEED]`. A seed makes
 * the same builds and mishaps; when they meet is another matter each time. Here workers are asked to end, too, which they are not in
 * the tests.
 */
import { checkBuilds } from './check-builds.ts';

const [runs = 10, builds = 100, seed] = process.argv.slice(2).map(Number);
const begin = performance.now();
await checkBuilds({ runs, builds, withEnds: true, ...(seed === undefined ? {} : { seed }) });
const { user, system } = process.cpuUsage();
const seconds = (performance.now() - begin) / 1000;
console.log(
  `${runs * builds} builds in ${seconds.toFixed(1)} s; ${((user + system) / 1e6).toFixed(1)} s of CPU beside the database's`,
);
