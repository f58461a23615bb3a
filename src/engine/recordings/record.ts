/**
 * Records builds of this version whose worker is killed, one for each place: `npm run record`. To be run when a version is
 * released; see recording.ts.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runBuild } from '../run-build.ts';
import { type BuildBench, openBench, script } from '../simulated/build-bench.ts';
import { FOLDER, type Recording, readRows } from './recording.ts';

const never = new AbortController().signal;

const PLACES: Readonly<Record<string, (bench: BuildBench, hold: () => Promise<void>) => void>> = {
  LaunchBuildInstance: (bench, hold) => {
    bench.host.faults.launch = hold;
  },
  ApplyBuildComponents: (bench, hold) => {
    bench.host.faults.command = (_, { stdin }) => (String(stdin ?? '').includes('second') ? hold() : Promise.resolve());
  },
  CreateOutputAMI: (bench, hold) => {
    bench.images.faults.capture = hold;
  },
  TerminateBuildInstance: (bench, hold) => {
    bench.host.faults.terminate = hold;
  },
  LaunchTestInstance: (bench, hold) => {
    bench.host.faults.launch = ({ parentDisk }) =>
      parentDisk.path.includes('ami-00000000000000001') ? Promise.resolve() : hold();
  },
};

const { version } = JSON.parse(await readFile(path.join(import.meta.dirname, '../../../package.json'), 'utf8'));

for (const [killedIn, place] of Object.entries(PLACES)) {
  test(`record a worker that is killed in ${killedIn}`, async () => {
    await using bench = await openBench();
    const reached = Promise.withResolvers<void>();
    place(bench, () => {
      reached.resolve();
      return new Promise(() => {});
    });
    const repeatable = { componentTags: { 'kiln:repeatable': 'all' } };
    const components = [script({ build: 'echo first' }), script({ build: 'echo second', test: 'echo tested' })];
    const imageArn = await bench.image({
      ...{ components, ...repeatable },
      row: { tags: JSON.stringify({ 'kiln:executor': 'vm' }) },
    });
    void runBuild(bench.engine, imageArn, never);
    await reached.promise;
    const rows = await readRows(bench);
    const instances = await Promise.all(
      [...bench.host.instances].map(async ([instanceId, { folder }]) => ({
        instanceId,
        file: await readFile(path.join(folder, 'instance.json'), 'utf8'),
      })),
    );
    const amis = [...bench.images.images.values()].filter(({ source }) => source === imageArn);
    for (const fault of ['launch', 'command', 'terminate'] as const) delete bench.host.faults[fault];
    delete bench.images.faults.capture;
    await bench.store.jobs.enqueue(bench.store.db, imageArn);
    await runBuild(bench.successor().engine, imageArn, never);
    const outcome = await bench.workflows(imageArn);
    const recording: Recording = { version, killedIn, imageArn, rows, instances, amis, outcome };
    const file = path.join(import.meta.dirname, `${version}-${killedIn}.json`);
    await writeFile(file, `${JSON.stringify(recording, undefined, 1).replaceAll(bench.folder, FOLDER)}\n`);
  });
}
