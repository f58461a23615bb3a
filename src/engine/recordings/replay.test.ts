import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openBench } from '../simulated/build-bench.ts';
import { FOLDER, fileOf, type Recording, thisVersion, writeRows } from './recording.ts';
import { goOn, SCENARIOS } from './scenarios.ts';

const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.json'));

const version = await thisVersion();
for (const scenario of Object.keys(SCENARIOS)) {
  test(`${scenario} of this version is recorded (npm run record)`, () =>
    assert.ok(existsSync(fileOf(version, scenario))));
}

for (const file of files) {
  test(`a build that was recorded goes on: ${file}`, async () => {
    await using bench = await openBench();
    const text = await readFile(path.join(import.meta.dirname, file), 'utf8');
    const recording: Recording = JSON.parse(text.replaceAll(FOLDER, bench.folder));
    const { imageArn, rows, instances, amis, outcome, status = 'AVAILABLE', answers = 0 } = recording;
    await writeRows(bench, rows);
    for (const { instanceId, file: text } of instances) {
      await mkdir(path.join(bench.folder, instanceId, 'root/etc'), { recursive: true });
      await writeFile(path.join(bench.folder, instanceId, 'instance.json'), text);
      await writeFile(path.join(bench.folder, instanceId, 'disk.qcow2'), 'overlay');
    }
    for (const ami of amis) bench.images.images.set(ami.amiId, ami);
    const done = bench.store.db.selectFrom('workflow_step_executions').selectAll().where('status', '=', 'COMPLETED');
    const before = await done.execute();
    assert.equal(await goOn(bench, bench.engine, imageArn), answers);
    const image = await bench.row(imageArn);
    assert.equal(image.status, status, image.reason ?? '');
    assert.deepEqual(await bench.workflows(imageArn), outcome);
    const after = await done.execute();
    for (const step of before) {
      const now = after.find(({ id }) => id === step.id);
      // What it made may be taken back.
      const expected = status === 'FAILED' ? { ...step, rollback_status: now?.rollback_status } : step;
      assert.deepEqual(now, expected, `step ${step.name} stays as it was`);
    }
    assert.deepEqual(await bench.host.list(), []);
    assert.equal(
      [...bench.images.images.values()].filter(({ source }) => source === imageArn).length,
      status === 'AVAILABLE' ? 1 : 0,
    );
  });
}
