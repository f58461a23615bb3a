import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { InstanceSummary } from '../build-host/build-host.ts';
import { runBuild } from './run-build.ts';
import { openBench, script } from './simulated/build-bench.ts';
import { ON_MACHINES, stoppedBuilds } from './simulated/stopped-builds.ts';
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

test('instances of ended builds are terminated, but not those that were kept or belong to no build', async () => {
  await using bench = await openBench();
  const builds = stoppedBuilds(bench);
  const kept = await bench.image({
    ...ON_MACHINES,
    components: [script({ build: 'exit 1' })],
    infrastructure: { terminateInstanceOnFailure: false },
  });
  await runBuild(bench.engine, kept, new AbortController().signal);
  const ended = await bench.image(ON_MACHINES);
  await runBuild(bench.engine, ended, new AbortController().signal);
  const { arn: running, revive } = await builds.stopped({ components: [script({ build: 'true' })] }, (hold) => {
    bench.host.faults.command = hold;
  });
  const launch = (instanceId: string, owner: string): Promise<unknown> =>
    bench.host.launch(
      {
        ...{ instanceId, owner, instanceTypes: [], extraVolumes: [], timeoutSeconds: 10 },
        parentDisk: { path: '/x', format: 'qcow2' },
      },
      { signal: new AbortController().signal, monitor: { line: () => {} } },
    );
  await launch('i-00000000000000001', ended);
  await launch('i-00000000000000002', 'kiln run ami-1');
  await terminateLeftovers(bench.successor().engine);
  const owners = (await bench.host.list()).map(({ owner }) => owner);
  for (const stays of [kept, running, 'kiln run ami-1']) assert.ok(owners.includes(stays), stays);
  assert.ok(!owners.includes(ended));
  await revive();
  assert.equal(existsSync(path.join(bench.folder, 'i-00000000000000001')), false);
});
