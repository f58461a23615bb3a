import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceSummary } from '../build-host/build-host.ts';
import { openBench } from './simulated/build-bench.ts';
import { terminateLeftovers } from './terminate-leftovers.ts';

test('an instance of no build goes when the command that launched it is gone, running or not', async () => {
  await using bench = await openBench();
  const of = (digit: string, summary: Omit<InstanceSummary, 'instanceId'>): InstanceSummary => ({
    instanceId: `i-${digit.repeat(17)}`,
    ...summary,
  });
  const owner = 'kiln run ami-1';
  const instances = [
    of('1', { owner, running: true, abandoned: false }),
    of('2', { owner, running: true, abandoned: true }),
    of('3', { owner: 'kiln shell i-3', running: false, abandoned: true }),
    // Of an earlier version, which did not write down who launched it.
    of('4', { owner, running: true }),
    of('5', { owner: '', running: false }),
  ];
  const ended: string[] = [];
  const buildHost = {
    ...bench.host,
    list: async () => instances,
    terminate: async (instanceId: string) => void ended.push(instanceId),
  };
  await terminateLeftovers({ ...bench.engine, buildHost });
  assert.deepEqual(
    ended.map((id) => id.charAt(2)),
    ['2', '3', '5'],
  );
});
