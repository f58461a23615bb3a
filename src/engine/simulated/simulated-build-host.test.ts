import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe } from 'node:test';
import { describeBuildHost } from '../../build-host/build-host.suite.ts';
import { simulatedBuildHost } from './simulated-build-host.ts';

describe('simulated', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'kiln-simulated-'));
  const instances = path.join(folder, 'instances');
  after(() => rm(folder, { recursive: true, force: true }));
  const parentDisk = { path: path.join(folder, 'parent.json'), format: 'qcow2' } as const;
  const deadDisk = { path: path.join(folder, 'dead.json'), format: 'qcow2' } as const;
  await writeFile(parentDisk.path, JSON.stringify({ boots: true, sizeGiB: 2 }));
  await writeFile(deadDisk.path, JSON.stringify({ boots: false, sizeGiB: 1 }));

  describeBuildHost('simulated', {
    makeHost: () => ({
      ...simulatedBuildHost(instances, new Map(), { guests: true }),
      [Symbol.asyncDispose]: async () => {},
    }),
    parentDisk,
    deadDisk,
    runsTargetSuite: true,
    hasDisks: false,
    bootSeconds: 60,
    assertNothingLeft: async (instanceId) => {
      assert.equal(existsSync(path.join(instances, instanceId)), false);
    },
    // What was written last is whole, and nothing writes any more.
    assertCleanDisk: async (disk) => {
      assert.match(await readFile(disk, 'utf8'), /^overlay on .*parent\.json$/);
      const busy = path.join(path.dirname(disk), 'guest/root/busy');
      const before = await readFile(busy, 'utf8').catch(() => '');
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(await readFile(busy, 'utf8').catch(() => ''), before);
      assert.equal(await readFile(path.join(path.dirname(disk), 'guest/root/kept'), 'utf8'), 'kept\n');
    },
  });
});
