/**
 * Records builds of this version with which somebody else is to go on, one for each scenario of which the version has none
 * yet: `npm run record`. To be run when a version is released, and when there is a new scenario; see recording.ts.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openBench } from '../simulated/build-bench.ts';
import { FOLDER, fileOf, type Recording, readRows, thisVersion } from './recording.ts';
import { defaultImage, goOn, SCENARIOS } from './scenarios.ts';

const version = await thisVersion();

for (const [name, { image, run }] of Object.entries(SCENARIOS)) {
  const file = fileOf(version, name);
  test(`record ${name}`, { skip: existsSync(file) }, async () => {
    await using bench = await openBench();
    const imageArn = await bench.image((await image?.(bench)) ?? defaultImage());
    await run(bench, imageArn);
    const rows = await readRows(bench);
    const instances = await Promise.all(
      [...bench.host.instances].map(async ([instanceId, { folder }]) => ({
        instanceId,
        file: await readFile(path.join(folder, 'instance.json'), 'utf8'),
      })),
    );
    const amis = [...bench.images.images.values()].filter(({ source }) => source === imageArn);
    const answers = await goOn(bench, bench.successor().engine, imageArn);
    const outcome = await bench.workflows(imageArn);
    const { status } = await bench.row(imageArn);
    const recording: Recording = { version, killedIn: name, imageArn, rows, instances, amis, outcome, status, answers };
    await writeFile(file, `${JSON.stringify(recording, undefined, 1).replaceAll(bench.folder, FOLDER)}\n`);
  });
}
