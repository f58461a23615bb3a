import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runBuild } from '../run-build.ts';
import { openBench } from '../simulated/build-bench.ts';
import { FOLDER, type Recording, writeRows } from './recording.ts';

const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.json'));

test('there are recordings', () => assert.ok(files.length >= 5, files.join()));

for (const file of files) {
  test(`a build that was recorded goes on: ${file}`, async () => {
    await using bench = await openBench();
    const text = await readFile(path.join(import.meta.dirname, file), 'utf8');
    const recording: Recording = JSON.parse(text.replaceAll(FOLDER, bench.folder));
    const { imageArn, rows, instances, amis, outcome } = recording;
    await writeRows(bench, rows);
    for (const { instanceId, file: text } of instances) {
      await mkdir(path.join(bench.folder, instanceId, 'root/etc'), { recursive: true });
      await writeFile(path.join(bench.folder, instanceId, 'instance.json'), text);
      await writeFile(path.join(bench.folder, instanceId, 'disk.qcow2'), 'overlay');
    }
    for (const ami of amis) bench.images.images.set(ami.amiId, ami);
    const done = bench.store.db.selectFrom('workflow_step_executions').selectAll().where('status', '=', 'COMPLETED');
    const before = await done.execute();
    await bench.store.jobs.enqueue(bench.store.db, imageArn);
    await runBuild(bench.engine, imageArn, new AbortController().signal);
    const image = await bench.row(imageArn);
    assert.equal(image.status, 'AVAILABLE', image.reason ?? '');
    assert.deepEqual(await bench.workflows(imageArn), outcome);
    const after = await done.execute();
    for (const step of before) {
      assert.deepEqual(
        after.find(({ id }) => id === step.id),
        step,
        `step ${step.name} stays as it was`,
      );
    }
    assert.deepEqual(await bench.host.list(), []);
    assert.equal([...bench.images.images.values()].filter(({ source }) => source === imageArn).length, 1);
  });
}
