import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runBuild } from '../run-build.ts';
import { openBench, script } from '../simulated/build-bench.ts';
import { executorTags } from './executor-record.ts';

test('tags say where components ran, in their order, and why the first on a machine did', () => {
  assert.deepEqual(executorTags([]), {});
  assert.deepEqual(executorTags([{ component: 'a', executor: 'direct' }]), { 'kiln:ran-on': 'direct' });
  assert.deepEqual(
    executorTags([
      { component: 'a', executor: 'direct' },
      { component: 'b', executor: 'vm', reason: `it ran\n${'x'.repeat(300)}` },
      { component: 'c', executor: 'vm' },
    ]),
    { 'kiln:ran-on': 'direct, vm', 'kiln:booted-because': `it ran ${'x'.repeat(246)}...` },
  );
});

test('the record of a build has them beside the tags that were given', async () => {
  await using bench = await openBench();
  const arn = await bench.image({
    components: [script({ build: 'true' })],
    row: { tags: JSON.stringify({ team: 'web', 'kiln:executor': 'vm' }) },
  });
  await runBuild(bench.engine, arn, new AbortController().signal);
  const { tags } = await bench.row(arn);
  assert.deepEqual(tags, {
    team: 'web',
    'kiln:executor': 'vm',
    'kiln:ran-on': 'vm',
    'kiln:booted-because': 'the executor is vm',
  });
  const step = await bench.store.db
    .selectFrom('workflow_step_executions')
    .select('outputs')
    .where('image_arn', '=', arn)
    .where('action', '=', 'ExecuteComponents')
    .where('outputs', 'is not', null)
    .executeTakeFirstOrThrow();
  const [only] = JSON.parse(String(step.outputs?.['executors']));
  assert.match(only.component, /:component\//);
  assert.deepEqual([only.executor, only.reason], ['vm', 'the executor is vm']);
});
